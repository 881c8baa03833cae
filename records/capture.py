"""The triggers that write the journal, generated from an object type's properties and relations.

They are statement triggers with transition tables, and every column is compared with its own type: a generic
`to_jsonb(row)` diff costs twenty times as much. What they write is read by records.journal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.db import connections, models

from records.row_triggers import PlainRowTrigger
from records.signals import announce_changes_of, announce_links_of

if TYPE_CHECKING:
    from records.object_types import ObjectType, Relation

OLD_AND_NEW = pgtrigger.Referencing(old="old_rows", new="new_rows")
ONLY_OLD = pgtrigger.Referencing(old="old_rows")
ONLY_NEW = pgtrigger.Referencing(new="new_rows")
#: Columns every writer touches, or nobody can; they are not properties a change could consist of.
SILENT = {"created_at", "updated_at"}
VARIABLES = [
    ("context", "jsonb := NULLIF(current_setting('headrace.source', true), '')::jsonb"),
    ("moment", "timestamptz := clock_timestamp()"),
    ("memory", "text := current_setting('work_mem')"),
]

# One statement writes the journal and its queue; pg_notify wakes the clock also where no Django was involved, and
# says what kind of source it was. With the usual 4 MB of memory 100,000 rows would be joined and kept on disk.
WRITE = """
PERFORM set_config('work_mem', GREATEST(pg_size_bytes(memory) / 1024, 65536)::text, true);
WITH found AS MATERIALIZED ({found}), journaled AS (
    INSERT INTO records_change (id, object_type, record_id, kind, before, after, actor_id, source, depth, at)
    SELECT id, object_type, record_id, kind, before, after, (context ->> 'actor')::bigint,
        context - 'actor' - 'depth', COALESCE((context ->> 'depth')::smallint, 0), moment
    FROM found {where}
)
INSERT INTO records_pendingchange (change_id, object_type, record_id, kind, properties, source, depth, at)
SELECT id, object_type, record_id, kind, {properties}, context - 'depth',
    COALESCE((context ->> 'depth')::smallint, 0), moment
FROM found {where};
IF FOUND THEN PERFORM pg_notify('headrace_changes', COALESCE(context ->> 'kind', '')); END IF;
PERFORM set_config('work_mem', memory, true);
RETURN NULL;
"""
NEXT_ID = "nextval('records_change_id_seq')"


class CaptureTrigger(pgtrigger.Trigger):
    """A statement trigger of the journal; skipped while its table does not exist yet."""

    level = pgtrigger.Statement
    when = pgtrigger.After
    declare: list[tuple[str, str]] | None = VARIABLES

    def allow_migrate(self, model: models.Model, database: str | None = None) -> bool:
        return super().allow_migrate(model, database) and table_exists(model._meta.db_table, database)


class RowTrigger(PlainRowTrigger, CaptureTrigger):
    level = pgtrigger.Row
    when = pgtrigger.Before
    declare = None


def table_exists(table: str, database: str | None = None) -> bool:
    with connections[database or "default"].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f'"{table}"'])
        return cursor.fetchone()[0] is not None


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


def written(found: str, properties: str = "'{*}'", where: str = "") -> str:
    """The body of a trigger: whose changes `found` selects, under which slugs they are looked up when dispatched."""
    return WRITE.format(found=found, properties=properties, where=where)


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


def link_triggers(object_type: ObjectType, relation: Relation) -> tuple[type[models.Model], list[pgtrigger.Trigger]]:
    """The table that holds a native relation, and triggers that journal its links as changes of both records."""
    here, there = object_type.slug, relation.to
    field: Any = object_type.model._meta.get_field(relation.path)
    if field.many_to_many:
        forward = field if not field.auto_created else field.remote_field
        table = forward.remote_field.through
        ends = [(here, forward.m2m_column_name()), (there, forward.m2m_reverse_name())]
        if field.auto_created:
            ends = [(there, forward.m2m_column_name()), (here, forward.m2m_reverse_name())]
    elif field.auto_created:
        table = field.related_model
        ends = [(there, table._meta.pk.column), (here, field.field.column)]
    else:
        table = object_type.model
        ends = [(here, table._meta.pk.column), (there, field.column)]
    return table, pair_triggers(table, *ends)


def pair_triggers(table: type[models.Model], one: tuple[str, str], other: tuple[str, str]) -> list[pgtrigger.Trigger]:
    """Triggers of a table whose rows link the record in one column with the record in the other column."""
    ends = [(literal(kind), quoted(column)) for kind, column in (one, other)]

    def sides(rows: str, alias: str, kind: str, where: str) -> list[str]:
        return [
            f"SELECT {NEXT_ID} AS id, {a} AS object_type, {alias}.{a_id} AS record_id, '{kind}' AS kind, "
            f"{link_document(kind, b, f'{alias}.{b_id}')} FROM {rows} WHERE {where} "
            f"AND {alias}.{a_id} IS NOT NULL AND {alias}.{b_id} IS NOT NULL"
            for (a, a_id), (b, b_id) in (ends, ends[::-1])
        ]

    key = quoted(table._meta.pk.column)
    moved = " OR ".join(f"n.{column} IS DISTINCT FROM o.{column}" for _kind, column in ends)
    both = f"new_rows n FULL JOIN old_rows o ON o.{key} = n.{key}"
    made, gone = sides("new_rows n", "n", "associated", "true"), sides("old_rows o", "o", "dissociated", "true")
    changed = sides(both, "o", "dissociated", f"({moved})") + sides(both, "n", "associated", f"({moved})")
    short = re.sub(r"\W", "_", other[1])[:20]
    return association_triggers(f"link_{short}", made, changed, gone)


def link_document(kind: str, to_type: str, to_id: str, label: str = "''", more: str = "") -> str:
    """`before` and `after` of a link: it is in `after` when it was made, in `before` when it was removed."""
    link = f"jsonb_build_object('to_type', {to_type}, 'to_id', {to_id}, 'label', {label})"
    link = f"({link} || {more})" if more else link
    before, after = ("'{}'::jsonb", link) if kind == "associated" else (link, "'{}'::jsonb")
    return f"{before} AS before, {after} AS after"


def association_triggers(name: str, made: list[str], changed: list[str], gone: list[str]) -> list[pgtrigger.Trigger]:
    """INSERT, UPDATE and DELETE triggers of a table of links, from the SELECTs that find the changes of each."""
    properties = "ARRAY[COALESCE(after ->> 'to_type', before ->> 'to_type')]"

    def func(selects: list[str]) -> str:
        return written(" UNION ALL ".join(selects), properties)

    return [
        CaptureTrigger(name=f"{name}_insert", operation=pgtrigger.Insert, referencing=ONLY_NEW, func=func(made)),
        CaptureTrigger(name=f"{name}_update", operation=pgtrigger.Update, referencing=OLD_AND_NEW, func=func(changed)),
        CaptureTrigger(name=f"{name}_delete", operation=pgtrigger.Delete, referencing=ONLY_OLD, func=func(gone)),
    ]


def track_associations(model: type[models.Model]) -> None:
    """Register the triggers of the table of labelled associations: each row is a change of its from-record.

    Where the two stay linked, by the same row or by another, the change says that they were only labelled anew.
    """

    def side(rows: str, alias: str, kind: str, where: str = "true", relabelled: str = "") -> str:
        more = (
            f"CASE WHEN {relabelled} THEN jsonb_build_object('relabelled', true) ELSE '{{}}' END" if relabelled else ""
        )
        link = link_document(kind, f"{alias}.to_type", f"{alias}.to_id", f"{alias}.label", more)
        return (
            f"SELECT {NEXT_ID} AS id, {alias}.from_type AS object_type, {alias}.from_id AS record_id, "
            f"'{kind}' AS kind, {link} FROM {rows} WHERE {where}"
        )

    both = "new_rows n FULL JOIN old_rows o ON o.id = n.id"
    new, old, there = (f"{one}.from_type, {one}.from_id, {one}.to_type, {one}.to_id" for one in ("n", "o", "r"))
    moved, same = f"({new}, n.label) IS DISTINCT FROM ({old}, o.label)", f"({new}) = ({old})"
    left = f"EXISTS (SELECT FROM records_association r WHERE ({there}) = ({old}))"
    made, gone = side("new_rows n", "n", "associated"), side("old_rows o", "o", "dissociated", relabelled=left)
    changed = [side(both, "o", "dissociated", moved, same), side(both, "n", "associated", moved, same)]
    pgtrigger.register(*association_triggers("journal", [made], changed, [gone]))(model)


def quoted(name: str | None) -> str:
    return f'"{name}"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def json_key(slug: str) -> str:
    return f'"{slug}":'
