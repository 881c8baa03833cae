"""Which filters may enroll a record that was enrolled before, and when they do (spec section 10).

A record enters again when a ticked filter begins to be met and the criteria of the trigger are met at that time; the
ticked filters are independent of each other (REN-06). Each of them has a segment of its own, so that its beginning is
an exact fact (REN-07). A ticked “is known” counts every change of the value, too (REN-08).
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.associations import associations_of
from records.categories import categories
from records.criteria.event_rows import EVENT_PREFIX
from records.criteria.leaves.event import OCCURRED, EventFilter
from records.criteria.parsing import parse
from records.criteria.tree import Context
from records.event_types import event_type
from records.models import ChangeKind, PendingChange
from records.object_types import ObjectType, object_types

IS_KNOWN = "is_known"


@dataclass(frozen=True)
class Place:
    """A filter of a trigger: its node in the document, the associations on the way to it, its object type."""

    node: dict[str, Any]
    through: tuple[dict[str, Any], ...]
    object_type: ObjectType

    @property
    def criteria(self) -> dict[str, Any]:
        """The filter alone, as criteria about the records of the workflow."""
        found = self.node
        for association in reversed(self.through):
            kept = {key: association[key] for key in ("association", "label") if key in association}
            found = {**kept, "all": [found]}
        return {"all": [found]}


def allowed(document: dict[str, Any]) -> bool:
    """Whether re-enrollment is on at all: then enrolling by hand may repeat, too (MAN-07). Schedules always repeat."""
    trigger = document.get("trigger") or {}
    return bool(trigger.get("reenroll")) or trigger.get("kind") == "schedule"


def ticked(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The ticked filters of a definition with a filter trigger, each as criteria of its own."""
    trigger, kind = document.get("trigger") or {}, object_types[document["object"]]
    paths = trigger.get("reenroll")
    if not isinstance(paths, list) or not trigger.get("criteria"):
        return []
    found: list[dict[str, Any]] = []
    for path in paths:
        place = place_of(trigger["criteria"], path, kind)
        if place is not None and not excluded(place) and place.criteria not in found:
            found.append(place.criteria)
    return found


def place_of(document: Any, path: str, kind: ObjectType) -> Place | None:
    """The filter at a path (`any.0.all.1`); None when there is none."""
    through: list[dict[str, Any]] = []
    for part in path.split("."):
        try:
            if isinstance(document, dict) and "association" in document:
                kind = associations_of(kind)[document["association"]].to
                through.append(document)
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return Place(document, tuple(through), kind) if isinstance(document, dict) else None


def excluded(place: Place) -> str:
    """Why a filter can never enroll again; "" when it can (REN-03, REN-04, REN-05)."""
    for kind in (place.object_type, *types_inside(place.node, place.object_type)):
        if why := categories[kind.category].never_again:
            return str(why)
    prop = place.object_type.properties().get(str(place.node.get("property")))
    if prop is not None and prop.calculated is not None:
        return _("Calculated properties cannot enroll again.")
    kind_of_event = event_type(place.node.get("event"))
    return str((prop and prop.never_again) or (kind_of_event and kind_of_event.never_again) or "")


def types_inside(node: Any, kind: ObjectType) -> Iterator[ObjectType]:
    """The object types a filter follows associations to."""
    if isinstance(node, list):
        for child in node:
            yield from types_inside(child, kind)
    elif isinstance(node, dict):
        known = associations_of(kind)
        if node.get("association") in known:
            kind = known[node["association"]].to
            yield kind
        for child in node.values():
            yield from types_inside(child, kind)


def renewed(
    document: dict[str, Any] | None, kind: ObjectType, causes: Mapping[int, list[PendingChange]], now: dt.datetime
) -> set[int]:
    """The records in whom a ticked filter is met anew though it was met all along.

    That is so when what wants to be known has taken another value (REN-08), and when the event the filter is about
    has occurred again, whatever its refinement says (REN-09). Coming into being is no change of a value: restoring a
    record does not resume anything (UNE-09).
    """
    node = (document or {"all": [{}]})["all"][0]
    while "association" in node and len(node.get("all") or ()) == 1:
        kind = associations_of(kind)[node["association"]].to
        node = node["all"][0]
    if "property" in node and node.get("operator") == IS_KNOWN:
        slug, whole = node["property"], (ChangeKind.CREATED, ChangeKind.DELETED)
        meant = {
            change.pk
            for changes in causes.values()
            for change in changes
            if change.object_type == kind.slug and change.kind not in whole and slug in change.properties
        }
    elif "event" in node and node.get("operator") == OCCURRED:
        meant = occurred_again(node, kind, causes, now)
    else:
        return set()
    return {pk for pk, changes in causes.items() if any(change.pk in meant for change in changes)}


def occurred_again(
    node: dict[str, Any], kind: ObjectType, causes: Mapping[int, list[PendingChange]], now: dt.datetime
) -> set[int]:
    """Which of these are occurrences of a filter's event that pass what it says about the event's properties."""
    name = f"{EVENT_PREFIX}{node['event']}"
    told = {
        change.change_id: change.pk for changes in causes.values() for change in changes if name in change.properties
    }
    if not told:
        return set()
    plain = {key: value for key, value in node.items() if key != "refine"}
    (found,) = parse({"all": [plain]}, kind, stored=True).group.children
    assert isinstance(found, EventFilter)
    occurrences = found.occurrences(Context(now, zoneinfo.ZoneInfo("UTC"))).filter(pk__in=list(told))
    return {told[pk] for pk in occurrences.values_list("pk", flat=True)}
