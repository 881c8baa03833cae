"""The triggers that write the journal, generated from an object type's properties and relations.

They are statement triggers with transition tables, and every column is compared with its own type: a generic
`to_jsonb(row)` diff costs twenty times as much. What they write is read by records.journal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pgtrigger
from django.db import models

from records.capture_links import link_triggers
from records.journal_triggers import (
    NEXT_ID,
    OLD_AND_NEW,
    ONLY_NEW,
    ONLY_OLD,
    CaptureTrigger,
    RowTrigger,
    literal,
    quoted,
    written,
)
from records.signals import announce_changes_of, announce_links_of

if TYPE_CHECKING:
    from records.object_types import ObjectType

#: Columns every writer touches, or nobody can; they are not properties a change could consist of.
SILENT = {"created_at", "updated_at"}


def track(object_type: ObjectType) -> None:
    """Register the triggers of an object type and of its native relations; `migrate` installs them."""
    model = object_type.model
    pgtrigger.register(*record_triggers(object_type))(model)
    announce_changes_of(model)
    for relation in object_type.relations:
        table, triggers = link_triggers(object_type, relation)
        known = pgtrigger.registry._registry
        place = f"{table._meta.label}:"
        new = [trigger for trigger in triggers if f"{place}{trigger.name}" not in known]
        pgtrigger.register(*new)(table)
        announce_links_of(table)


def tracked_columns(object_type: ObjectType) -> list[tuple[str, models.Field]]:
    """(property slug, column) of what the journal watches; the soft delete counts as a property."""
    fields = {field.attname: field for field in object_type.model._meta.concrete_fields}
    watched = [
        (prop.slug, fields[prop.column])
        for prop in object_type.declared
        if prop.column in fields and not fields[prop.column].primary_key and prop.column not in SILENT
    ]
    return watched + ([("deleted_at", fields["deleted_at"])] if object_type.soft_deletes else [])


def record_triggers(object_type: ObjectType) -> list[pgtrigger.Trigger]:
    """INSERT, UPDATE, DELETE and TRUNCATE of one table; primary keys stay what they are; `updated_at` is kept."""
    model = object_type.model
    key = quoted(model._meta.pk.column)
    columns = tracked_columns(object_type)
    name, custom = literal(object_type.slug), object_type.has_custom
    changed = " OR ".join(f"n.{c} IS DISTINCT FROM o.{c}" for c in compared(columns, custom))
    # FULL JOIN because PostgreSQL cannot run one as a nested loop: it keeps the plan it made for one row, and uses
    # it for 100,000. It also finds rows whose key changed, were there no trigger against that.
    updated = f"""
        SELECT {NEXT_ID} AS id, {name} AS object_type, n.{key} AS record_id, {kind_of_update(object_type)} AS kind,
            {document(columns, custom, "o", "n")} AS before, {document(columns, custom, "n", "o")} AS after
        FROM new_rows n FULL JOIN old_rows o ON o.{key} = n.{key} WHERE {changed}"""
    created = f"""
        SELECT {NEXT_ID} AS id, {name} AS object_type, n.{key} AS record_id, 'created' AS kind,
            '{{}}'::jsonb AS before, {document(columns, custom, "n")} AS after FROM new_rows n"""

    def deleted(rows: str) -> str:
        return f"""
        SELECT {NEXT_ID} AS id, {name} AS object_type, o.{key} AS record_id, 'deleted' AS kind,
            {document(columns, custom, "o")} AS before, '{{}}'::jsonb AS after FROM {rows} o"""

    gone = written(deleted("old_rows"))
    triggers: list[pgtrigger.Trigger] = [
        CaptureTrigger(name="journal_insert", operation=pgtrigger.Insert, referencing=ONLY_NEW, func=written(created)),
        CaptureTrigger(
            name="journal_update",
            operation=pgtrigger.Update,
            referencing=OLD_AND_NEW,
            func=written(updated, "ARRAY(SELECT jsonb_object_keys(after))", "WHERE before <> after"),
        ),
        CaptureTrigger(name="journal_delete", operation=pgtrigger.Delete, referencing=ONLY_OLD, func=gone),
        CaptureTrigger(
            name="journal_truncate",
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=written(deleted(quoted(object_type.table))),
        ),
        RowTrigger(
            name="fixed_key",
            operation=pgtrigger.UpdateOf(model._meta.pk.name),
            condition=pgtrigger.Condition(f"OLD.{key} IS DISTINCT FROM NEW.{key}"),
            func="RAISE EXCEPTION 'The primary key of a record never changes.' USING ERRCODE = 'restrict_violation';",
        ),
    ]
    if any(field.name == "updated_at" for field in model._meta.concrete_fields):
        # Generated values are not there yet before the row is written.
        stored = [(slug, field) for slug, field in columns if not field.generated]
        really = " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in compared(stored, custom))
        triggers.append(
            RowTrigger(
                name="touch",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(really),
                func="NEW.updated_at := statement_timestamp(); RETURN NEW;",
            )
        )
    return triggers


def compared(columns: Iterable[tuple[str, models.Field]], custom: bool) -> list[str]:
    return [quoted(field.column) for _slug, field in columns] + (["custom"] if custom else [])


def document(columns: list[tuple[str, models.Field]], custom: bool, row: str, other: str | None = None) -> str:
    """SQL for the JSONB of a row's properties: those that differ from the other row's, or all that are not blank.

    Built as one text, because what did not change then costs next to nothing.
    """
    parts = []
    for slug, field in columns:
        value = f"{row}.{quoted(field.column)}"
        if other:
            condition = f"{value} IS DISTINCT FROM {other}.{quoted(field.column)}"
        else:
            textual = isinstance(field, models.CharField | models.TextField)
            condition = f"{value} <> ''" if textual else f"{value} IS NOT NULL"
        shown = f"COALESCE(to_json({value})::text, 'null')" if other else f"to_json({value})::text"
        parts.append(f"CASE WHEN {condition} THEN {literal(json_key(slug))} || {shown} END")
    if custom:
        against = f"{other}.custom" if other else "'{}'::jsonb"
        parts.append(
            f"CASE WHEN {row}.custom IS DISTINCT FROM {against} THEN records_changed_keys({row}.custom, {against}) END"
        )
    return f"('{{' || concat_ws(',', {', '.join(parts)}) || '}}')::jsonb"


def kind_of_update(object_type: ObjectType) -> str:
    """A soft delete is journaled as a deletion, its undoing as a creation: for the record's followers it is both."""
    if not object_type.soft_deletes:
        return "'updated'"
    return (
        "CASE WHEN o.deleted_at IS NULL AND n.deleted_at IS NOT NULL THEN 'deleted' "
        "WHEN o.deleted_at IS NOT NULL AND n.deleted_at IS NULL THEN 'created' ELSE 'updated' END"
    )


def json_key(slug: str) -> str:
    return f'"{slug}":'
