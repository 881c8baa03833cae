"""The two statements of a batch: one INSERT for what is new, one UPDATE for what has changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.db import connection, models
from django.db.models import NOT_PROVIDED
from django.utils.translation import gettext as _

from records.models import Access
from records.object_types import ObjectType
from records.properties import Property
from records.property_access.rights import refusal
from records.saving.cleaning import column_of
from records.saving.rows import Work


def apply(
    object_type: ObjectType, work: Work, properties: dict[str, Property], fixed: Collection[str] = ()
) -> dict[str, Any]:
    """Set the work's values on its record; the properties that became another, with their new values.

    Of the `fixed` ones, which who sent the row may see but not change, only what the record has already is taken.
    A blank for a column that must hold something means its default where it has one, else it is refused.
    """
    record = work.record
    changed = {}
    for slug, value in work.values.items():
        prop = properties[slug]
        if value is None and prop.column is not None:
            value = blank_of(column_of(object_type, prop))
        if value is None and prop.required:
            message = _("%(property)s must not be empty. Fill it in.")
            work.refuse(f"properties.{slug}", message % {"property": prop.label}, code="required")
            continue
        if (None if value == "" else value) != current(prop, record):
            changed[slug] = value
            if slug in fixed and slug in work.row.properties:
                work.refuse(f"properties.{slug}", refusal(prop.label, Access.VIEW), code="forbidden")
    if work.valid:
        for slug, value in changed.items():
            properties[slug].write(record, value)
    return changed if work.valid else {}


def current(prop: Property, record: Any) -> Any:
    """The record's value as cleaned values look; what is not set in a new record counts as blank."""
    if record.pk is None and prop.column is not None and prop.column not in record.__dict__:
        return None
    value = prop.read(record)
    return None if isinstance(value, models.expressions.DatabaseDefault) else value


def blank_of(column: models.Field) -> Any:
    """What "no value" is for a column; "" in text columns counts as blank everywhere."""
    if column.null:
        return None
    if column.default is not NOT_PROVIDED:
        return column.get_default()
    return None


def check_required(object_type: ObjectType, work: Work, known: dict[str, Property]) -> None:
    """A new record needs every required property."""
    for slug, prop in known.items():
        if prop.required and not prop.read_only and work.values.get(slug) is None and slug not in work.row.properties:
            message = _("%(property)s is required. Add it.")
            work.refuse(f"properties.{slug}", message % {"property": prop.label}, code="required")


def insert(object_type: ObjectType, records: list[Any]) -> None:
    """Create the records in one statement; they get their ids."""
    if records:
        object_type.model._default_manager.bulk_create(records)


def update(object_type: ObjectType, changes: dict[int, dict[str, Any]], properties: dict[str, Property]) -> None:
    """Write the changed properties of each record (by id) in one statement, and nothing else.

    Only changed columns and keys are written, so two people who change different properties of a record at the
    same time both keep their change.
    """
    if not changes:
        return
    meta: Any = object_type.model._meta
    quote = connection.ops.quote_name
    columns = sorted({p.column for values in changes.values() for s in values if (p := properties[s]).column})
    sets = []
    for name in columns:
        column = next(f for f in meta.concrete_fields if f.attname == name)
        cast, target = column.db_type(connection), quote(column.column)
        sets.append(
            f"{target} = CASE WHEN d.columns ? '{name}' THEN (d.columns ->> '{name}')::{cast} ELSE t.{target} END"
        )
    if any(properties[slug].custom for values in changes.values() for slug in values):
        sets.append("custom = (t.custom || d.custom) - d.emptied")
    if any(f.name == "updated_at" for f in meta.concrete_fields):
        sets.append("updated_at = statement_timestamp()")
    sql = (
        f"UPDATE {quote(meta.db_table)} t SET {', '.join(sets)} FROM jsonb_to_recordset(%s::jsonb) "
        f"AS d(id bigint, columns jsonb, custom jsonb, emptied text[]) WHERE t.{quote(meta.pk.column)} = d.id"
    )
    documents = [document(pk, values, properties) for pk, values in sorted(changes.items())]
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(documents, default=as_text)])


def document(pk: int, values: dict[str, Any], properties: dict[str, Property]) -> dict[str, Any]:
    """The new values of one record as the UPDATE reads them."""
    columns, custom, emptied = {}, {}, []
    for slug, value in values.items():
        prop = properties[slug]
        if prop.column is not None:
            columns[prop.column] = value
        elif value is None:
            emptied.append(slug)
        else:
            custom[slug] = prop.kind.to_storage(value)
    return {"id": pk, "columns": columns, "custom": custom, "emptied": emptied}


def as_text(value: Any) -> str:
    """Dates and decimals in JSON, with every digit."""
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{value!r} cannot be written.")
