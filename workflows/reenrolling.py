"""Which changes may enroll a record that was enrolled before (spec section 10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from records import criteria
from records.associations import associations_of
from records.models import ChangeKind, PendingChange
from records.object_types import ObjectType, object_types
from records.problems import DocumentError

IS_KNOWN = "is_known"


@dataclass(frozen=True)
class Reenrollment:
    """What the ticked filters of a filter trigger look at.

    `properties`: a change of one of these may enroll again (REN-02, REN-06). `known`: of these every change does, even
    where the record matched all along (REN-08). `by_time`: time may, too.
    """

    properties: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    by_time: bool = False

    def allows(self, causes: Iterable[PendingChange]) -> bool:
        """Whether one of these changes touched a ticked filter. Coming into being is no touch: restoring a record
        does not resume anything (UNE-09)."""
        return bool(touched(causes) & self.properties)

    def renews(self, causes: Iterable[PendingChange]) -> bool:
        return bool(touched(causes) & self.known)


def allowed(document: dict[str, Any]) -> bool:
    """Whether re-enrollment is on at all: then enrolling by hand may repeat, too (MAN-07)."""
    return bool((document.get("trigger") or {}).get("reenroll"))


def of_definition(document: dict[str, Any]) -> Reenrollment:
    """The re-enrollment rules of a published definition."""
    trigger = document.get("trigger") or {}
    ticked, kind = trigger.get("reenroll"), object_types[document["object"]]
    if not isinstance(ticked, list) or not trigger.get("criteria"):
        return Reenrollment()
    nodes = [found for path in ticked if (found := node_at(trigger["criteria"], path, kind))]
    known = {node["property"] for node, _place in nodes if node.get("operator") == IS_KNOWN and "property" in node}
    return Reenrollment(
        frozenset(slug for node, place in nodes for slug in slugs(node, place)),
        frozenset(known),
        any(time_sensitive(node, place) for node, place in nodes),
    )


def node_at(document: Any, path: str, place: ObjectType) -> tuple[dict[str, Any], ObjectType] | None:
    """The filter at a path (`any.0.all.1`) with the object type it is about; None when there is none."""
    for part in path.split("."):
        if isinstance(document, dict) and "association" in document:
            place = associations_of(place)[document["association"]].to
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return (document, place) if isinstance(document, dict) else None


def slugs(node: Any, place: ObjectType) -> Iterator[str]:
    """The names under which the journal speaks of what a filter looks at."""
    if isinstance(node, list):
        for child in node:
            yield from slugs(child, place)
    elif isinstance(node, dict):
        if "association" in node:
            place = associations_of(place)[node["association"]].to
            yield place.slug
        if "property" in node:
            yield node["property"]
        for child in node.values():
            yield from slugs(child, place)


def time_sensitive(node: dict[str, Any], place: ObjectType) -> bool:
    try:
        return criteria.parse({"all": [node]}, place, stored=True).group.time_sensitive
    except DocumentError:
        return False


def touched(causes: Iterable[PendingChange]) -> set[str]:
    whole = (ChangeKind.CREATED, ChangeKind.DELETED)
    return {slug for change in causes if change.kind not in whole for slug in change.properties}
