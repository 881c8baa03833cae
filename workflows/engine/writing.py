"""Reading and writing one property of all records of a batch, and making records for it, in one statement each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

from records.object_types import ObjectType
from records.properties import Property
from records.saving.writing import blank_of, update
from records.sql_arrays import array

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

# Only rows that become different are written; their values before come along.
SET = """
    UPDATE {table} AS t SET {column} = {value} FROM (
        SELECT {pk} AS pk, {column} AS before FROM {table} WHERE {pk} = ANY(%(ids)s::bigint[])
    ) AS earlier
    WHERE t.{pk} = earlier.pk AND earlier.before IS DISTINCT FROM {value}{live} RETURNING t.{pk}, earlier.before
"""
INSERT = "INSERT INTO {table} ({columns}) SELECT {values} FROM {rows} RETURNING {pk}"


def current_values(batch: Batch, prop: Property) -> dict[int, Any]:
    """The property's value for every record of the batch, None where it is blank."""
    found = batch.records().annotate(asked=prop.expression()).values_list("pk", "asked")
    if prop.column is not None or prop.calculated is not None:
        return {pk: None if value == "" else value for pk, value in found}
    return {pk: prop.stored(value) for pk, value in found}


def locked_values(object_type: ObjectType, ids: Sequence[int], prop: Property) -> dict[int, Any]:
    """The property's value for records that other workers may write, too; locked in the order of their ids."""
    rows = object_type.records().filter(pk__in=list(ids)).order_by("pk").select_for_update(no_key=True, of=("self",))
    found = rows.annotate(asked=prop.expression()).values_list("pk", "asked")
    if prop.column is not None or prop.calculated is not None:
        return {pk: None if value == "" else value for pk, value in found}
    return {pk: prop.stored(value) for pk, value in found}


def write(object_type: ObjectType, changes: dict[int, dict[str, Any]], properties: dict[str, Property]) -> None:
    """Set properties of records, by record id and slug, in one statement; None means blank."""
    for values in changes.values():
        for slug, value in values.items():
            column = column_of(object_type, properties[slug])
            if value is None and column is not None and not column.null:
                values[slug] = "" if properties[slug].kind.textual else blank_of(column)
    update(object_type, changes, properties)


def set_for_all(batch: Batch, prop: Property, value: Any) -> dict[int, Any] | None:
    """Set a property of all records to one value, None meaning blank, in one statement.

    Returns what it was before, None where it was blank, for the records it has changed. None when the property is no
    column, or "" and NULL could both mean blank in it: then nothing was done.
    """
    column = column_of(batch.object_type, prop)
    if column is None or (prop.kind.textual and column.null):
        return None
    if value is None and not column.null:
        value = "" if prop.kind.textual else blank_of(column)
    quote = connection.ops.quote_name
    sql = SET.format(
        table=quote(batch.object_type.table),
        pk=quote(batch.object_type.key),
        column=quote(str(column.column)),
        value=f"%(value)s::{column.db_type(connection)}",
        live=" AND t.deleted_at IS NULL" if batch.object_type.soft_deletes else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ids": array(batch.ids), "value": column.get_db_prep_save(value, connection)})
        return {pk: None if before == "" else before for pk, before in cursor.fetchall()}


def insert(
    model: type[models.Model], count: int, shared: Mapping[str, Any], own: Mapping[str, Sequence[Any]]
) -> list[int]:
    """Make `count` rows in one statement: columns (by attribute) with one value for all, and with one for each.

    Returns their ids in the order of the values. Columns left out get the database's default.
    """
    meta: Any = model._meta
    quote = connection.ops.quote_name
    fields = {field.attname: field for field in meta.concrete_fields}
    alike = {name: values[0] for name, values in own.items() if count and all(value == values[0] for value in values)}
    different = {name: values for name, values in own.items() if name not in alike}
    facts = {name: fields[name].get_db_prep_save(value, connection) for name, value in {**shared, **alike}.items()}
    values = [f"%({name})s::{fields[name].db_type(connection)}" for name in facts]
    rows = "generate_series(1, %(count)s)"
    if different:
        kinds = ", ".join(f"{quote(name)} {fields[name].db_type(connection)}" for name in different)
        rows = f"json_to_recordset(%(listed)s) AS r ({kinds})"
        values += [f"r.{quote(name)}" for name in different]
        facts["listed"] = json.dumps(
            [dict(zip(different, row, strict=True)) for row in zip(*different.values(), strict=True)],
            cls=DjangoJSONEncoder,
        )
    sql = INSERT.format(
        table=quote(meta.db_table),
        pk=quote(meta.pk.column),
        columns=", ".join(quote(fields[name].column) for name in [*shared, *alike, *different]),
        values=", ".join(values),
        rows=rows,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {**facts, "count": count})
        return [pk for (pk,) in cursor.fetchall()]


def column_of(object_type: ObjectType, prop: Property) -> models.Field | None:
    fields = object_type.model._meta.concrete_fields
    return next((field for field in fields if field.attname == prop.column), None)
