"""The newest activities of records as plain data, for what reads them without opening their timelines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils.html import strip_tags

from records.associations import associations_of, rows_of
from records.object_types import ObjectType, object_types
from records.properties import Property
from workflows.texts.token_values import column_of

#: What is told of each type of activity.
TOLD = {
    "note": ("created_at", "body"),
    "task": ("created_at", "title", "status", "due_at", "body"),
    "meeting": ("starts_at", "title", "outcome", "body"),
    "call": ("happened_at", "title", "outcome", "body"),
    "email": ("sent_at", "subject", "direction", "status", "body"),
}
#: Of each type so many are told, and so many signs of a text.
NEWEST, SIGNS = 10, 1_000

Activity = dict[str, Any]


def types_of(object_type: ObjectType) -> dict[str, ObjectType]:
    """The types of activities that records of a type can have, by slug."""
    linked = associations_of(object_type)
    return {slug: object_types[slug] for slug in TOLD if slug in linked and slug != object_type.slug}


def told_of(object_type: ObjectType) -> set[str]:
    """What is read of them, as "object_type.property"."""
    return {f"{slug}.{name}" for slug in types_of(object_type) for name in TOLD[slug]}


def newest(object_type: ObjectType, ids: Sequence[int]) -> dict[int, list[Activity]]:
    """The newest activities of each record by its id, newest first; two statements for each type there is."""
    found: dict[int, list[Activity]] = defaultdict(list)
    for slug, kind in types_of(object_type).items():
        links = links_of(object_type, kind, ids)
        told = values_of(kind, sorted({other for others in links.values() for other in others}))
        for pk, others in links.items():
            found[pk] += [{"activity": slug, **told[other]} for other in others if other in told]
    return {pk: sorted(listed, key=when, reverse=True) for pk, listed in found.items()}


def when(activity: Activity) -> str:
    """The instant of an activity as text that can be compared; "" for one that has none."""
    return str(activity.get(TOLD[activity["activity"]][0]) or "")


def links_of(object_type: ObjectType, kind: ObjectType, ids: Sequence[int]) -> dict[int, list[int]]:
    """The newest living records of another type that each record is linked with."""
    place = Window(RowNumber(), partition_by=[F("from_id")], order_by=[F("to_id").desc()])
    # A record can be linked with another under several labels.
    rows = rows_of(object_type, kind, None).filter(from_id__in=list(ids), to_id__in=kind.records().values("pk"))
    placed = rows.annotate(place=place).filter(place__lte=NEWEST * 2).order_by("from_id", "place")
    found: dict[int, list[int]] = defaultdict(list)
    for one, other in placed.values_list("from_id", "to_id"):
        if other not in found[one] and len(found[one]) < NEWEST:
            found[one].append(other)
    return found


def values_of(kind: ObjectType, ids: Sequence[int]) -> dict[int, Activity]:
    """What is told of activities, by their ids; blanks are left out, texts are short and without markup."""
    records, known = list(kind.records().filter(pk__in=ids)), kind.properties()
    found: dict[int, Activity] = {record.pk: {} for record in records}
    for name in TOLD[kind.slug]:
        for pk, value in column_of(kind, known[name], records).items():
            if value is not None:
                found[pk][name] = plain(known[name], value)
    return found


def plain(prop: Property, value: Any) -> Any:
    shown = prop.as_json(value)
    return " ".join(strip_tags(shown).split())[:SIGNS] if isinstance(shown, str) else shown
