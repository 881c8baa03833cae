"""The triggers that journal links: those of native relations, and labelled associations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pgtrigger
from django.db import models

from records.journal_triggers import NEXT_ID, OLD_AND_NEW, ONLY_NEW, ONLY_OLD, CaptureTrigger, literal, quoted, written

if TYPE_CHECKING:
    from records.object_types import ObjectType, Relation


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
