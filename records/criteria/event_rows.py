"""Events and changes as rows criteria can be about: their facts are the properties, in the JSONB of each row.

So filters on the properties of an event are ordinary filters: the same operators by property type, one SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import F
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from records.criteria.expressions import json_value
from records.event_types import EventType, event_type
from records.models import Change, Event
from records.object_types import ObjectType, object_types
from records.properties import Property

EVENT_PREFIX, CHANGE_PREFIX = "event:", "change:"


@dataclass(frozen=True, eq=False)
class Rows(ObjectType):
    """Rows of a log about which there can be criteria; no records, and associated with nothing."""

    def properties(self) -> dict[str, Property]:
        return {prop.slug: prop for prop in self.declared}


def rows_named(slug: str) -> tuple[ObjectType, tuple[str, ...]] | None:
    """The rows of this slug and the object types they tell of, any of them may be; None when there are none."""
    if slug.startswith(EVENT_PREFIX):
        kind = event_type(slug.removeprefix(EVENT_PREFIX))
        return None if kind is None else (event_rows(kind), kind.object_types or tuple(object_types))
    place, _dot, name = slug.removeprefix(CHANGE_PREFIX).partition(".")
    if not slug.startswith(CHANGE_PREFIX) or place not in object_types:
        return None
    prop = object_types[place].properties().get(name)
    return None if prop is None or prop.calculated is not None else (change_rows(object_types[place], prop), (place,))


def event_rows(kind: EventType) -> ObjectType:
    """The occurrences of an event type: what was told with each, and when it occurred."""
    facts = [replace(prop, column=None, calculated=json_value(prop, "properties")) for prop in kind.properties]
    if "occurred_at" not in kind.known_properties():
        moment = F("occurred_at")
        facts.append(Property("occurred_at", _("Occurred"), "datetime", read_only=True, calculated=moment))
    return Rows(
        slug=f"{EVENT_PREFIX}{kind.slug}",
        plural="events",
        model=Event,
        label=kind.label,
        label_plural=kind.label,
        declared=tuple(facts),
    )


def change_rows(object_type: ObjectType, prop: Property) -> ObjectType:
    """The changes of one property: its new value (`new`) and the one before (`old`)."""
    sides = (("new", "after", _("{property}, new value")), ("old", "before", _("{property}, value before")))
    declared = tuple(
        replace(
            prop,
            slug=slug,
            label=format_lazy(label, property=prop.label),
            column=None,
            required=False,
            calculated=json_value(replace(prop, column=None), side),
        )
        for slug, side, label in sides
    )
    return Rows(
        slug=f"{CHANGE_PREFIX}{object_type.slug}.{prop.slug}",
        plural="changes",
        model=Change,
        label=_("change"),
        label_plural=_("changes"),
        declared=declared,
    )
