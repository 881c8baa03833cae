"""What the answer of criteria depends on: which changes, and whether time alone can change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from records.object_types import ObjectType
from records.properties import Property

ANY_CHANGE = "*"
ASSOCIATION = "association"


@dataclass(frozen=True, order=True)
class Dependency:
    """The criteria must be evaluated again when `property` of a record of `object_type` changes.

    `property` is "*" for any change, "association" for links made or removed. `path` holds the associations walked
    from the criteria's own object type to `object_type`; () is the own type. Creating, deleting and restoring a
    record of the own type, and deleting or restoring one of a type in `path`, always count too.
    """

    object_type: str
    property: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dependencies:
    properties: frozenset[Dependency]
    time_sensitive: bool


def of_property(prop: Property, object_type: ObjectType, path: tuple[str, ...]) -> Dependency:
    """What a value of the property follows: itself, or any change (`updated_at`).

    A calculated `number_of_…` is named like the others: who watches knows which links it counts.
    """
    return Dependency(object_type.slug, ANY_CHANGE if prop.slug == "updated_at" else prop.slug, path)


class Underivable(Exception):
    """No index tells whose answer time has changed: all records have to be compared."""


class ClocksChanged(Underivable):
    """Wall clocks were put back or forward meanwhile, so that the boundary did not simply move on."""


@dataclass(frozen=True)
class Crossing:
    """Records that a boundary has gone past, so that time may have changed an answer about them (TRG-21).

    `ids` selects them, as a flat list of ids. `path` holds the associations walked from the criteria's own object
    type to theirs; () is the own type.
    """

    path: tuple[str, ...]
    ids: QuerySet[Any, Any]
