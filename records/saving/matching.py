"""Which existing record a row means, and whether its unique values are still free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection, models
from django.db.models import F, TextField
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext as _

from records.merging.remembering import gone_into, merged_into
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.properties import Property
from records.saving.rows import Work

LOCK = 7302


def lock_uniques(object_type: ObjectType) -> None:
    """One batch at a time looks for unique values of an object type, until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK, object_type.slug])


def upsert_property(object_type: ObjectType, known: dict[str, Property], slug: str) -> Property:
    """The property to upsert by: a unique one, or the one that holds the name. Raises DocumentError."""
    prop = known.get(slug)
    if prop is not None and prop.calculated is None and (prop.unique or slug == object_type.name_property):
        return prop
    usable = ", ".join(s for s, p in known.items() if p.unique or s == object_type.name_property)
    message = _("“%(slug)s” cannot be used to find %(type)s. Use one of: %(usable)s.")
    facts = {"slug": slug, "type": object_type.label_plural, "usable": usable}
    raise DocumentError([Problem("upsert_by", message % facts, slug)])


def stored_key(prop: Property, value: Any) -> Any:
    """A cleaned value as it is compared in SQL: the column's own type, or the text in `custom`."""
    return value if prop.column is not None else str(prop.kind.to_storage(value))


def key_expression(prop: Property) -> Any:
    if prop.column is not None:
        return F(prop.column)
    return KeyTextTransform(prop.slug, "custom", output_field=TextField())


def holders(object_type: ObjectType, prop: Property, values: Iterable[Any]) -> dict[Any, list[int]]:
    """Ids of the living records that hold each value, by stored key."""
    keys = sorted({stored_key(prop, value) for value in values}, key=str)
    found = (
        object_type.records()
        .annotate(_key=key_expression(prop))
        .filter(_key__in=keys)
        .order_by("pk")
        .values_list("_key", "pk")
    )
    by_key: dict[Any, list[int]] = defaultdict(list)
    for key, pk in found:
        by_key[key].append(pk)
    return by_key


def find_records(object_type: ObjectType, works: list[Work], prop: Property | None) -> None:
    """Give every valid work the record it means, locked; a new one where it means none."""
    ids = {id(work): work.row.id for work in works if work.row.id is not None}
    if prop is not None:
        ids |= by_upsert(object_type, works, prop)
    locked = object_type.records().select_for_update(of=("self",)).order_by("pk")
    existing = {record.pk: record for record in locked.filter(pk__in=set(ids.values()))} if ids else {}
    gone = set(ids.values()) - existing.keys()
    merged = merged_into(object_type, gone) if gone else {}
    new: dict[Any, models.Model] = {}
    for work in works:
        pk = ids.get(id(work))
        if pk is not None and pk not in existing:
            message = _("There is no %(type)s with the id %(id)s. Use the id of one that exists.")
            told = message % {"type": object_type.label, "id": pk}
            told = gone_into(object_type, pk, merged[pk]) if pk in merged else told
            work.refuse("id", told, pk, code="not_found")
        elif pk is not None:
            work.record = existing[pk]
        elif work.valid:
            key = stored_key(prop, work.values[prop.slug]) if prop is not None else id(work)
            work.record = new.setdefault(key, object_type.model())


def by_upsert(object_type: ObjectType, works: list[Work], prop: Property) -> dict[int, int]:
    """For each work (by its identity) the id of the record that has its key; refuses blanks and ambiguous keys."""
    keyed = [work for work in works if work.row.id is None and work.valid]
    for work in keyed:
        if work.values.get(prop.slug) is None:
            message = _("%(property)s is empty, so the record cannot be found. Fill it in.")
            work.refuse(f"properties.{prop.slug}", message % {"property": prop.label}, code="required")
    keyed = [work for work in keyed if work.valid]
    held = holders(object_type, prop, [work.values[prop.slug] for work in keyed])
    found = {}
    for work in keyed:
        ids = held.get(stored_key(prop, work.values[prop.slug]), [])
        if len(ids) > 1:
            message = _("%(count)d %(type)s have the %(property)s “%(value)s”. Merge or rename them first.")
            facts = {
                "count": len(ids),
                "type": object_type.label_plural,
                "property": prop.label,
                "value": work.values[prop.slug],
            }
            work.refuse(f"properties.{prop.slug}", message % facts, work.values[prop.slug], code="ambiguous")
        elif ids:
            found[id(work)] = ids[0]
    return found


def check_uniques(object_type: ObjectType, works: list[Work], properties: Iterable[Property]) -> None:
    """Refuse values of unique properties that another record has, in the database or earlier in the batch."""
    for prop in properties:
        setting = [
            (work, work.record) for work in works if work.record is not None and work.values.get(prop.slug) is not None
        ]
        held = holders(object_type, prop, [work.values[prop.slug] for work, _record in setting])
        takers: dict[Any, models.Model] = {}
        for work, record in setting:
            key = stored_key(prop, work.values[prop.slug])
            taker = takers.setdefault(key, record)
            others = [pk for pk in held.get(key, []) if pk != record.pk]
            if others or taker is not record:
                message = _("Another %(type)s already has the %(property)s “%(value)s”. Use another value.")
                facts = {"type": object_type.label, "property": prop.label, "value": work.values[prop.slug]}
                work.refuse(f"properties.{prop.slug}", message % facts, work.values[prop.slug], code="taken")
