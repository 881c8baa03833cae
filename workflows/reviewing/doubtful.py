"""Events that machines cause as well as people, where a workflow begins or ends by them alone (opened emails)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from records.criteria.event_rows import EVENT_PREFIX
from records.event_types.base import EventType, event_types
from records.problems import Problem
from records.properties import Text
from workflows.events.occasion import items_of
from workflows.reviewing.conditions import Conditions


def problems(conditions: Conditions) -> Iterator[Problem]:
    """A warning for the trigger, and one for the goal, that takes what a machine did for what a person did."""
    definition = conditions.definition
    for place, item in enumerate(items_of(definition)):
        kind = event_types.get(str(item.get("event", "")))
        if kind is not None and kind.doubtful and not asks(item, kind.doubtful[0]):
            yield warning(f"trigger.events.{place}", kind, *kind.doubtful)
    for path, document in (
        ("trigger.criteria", definition.trigger.criteria),
        ("goal", definition.document.get("goal")),
    ):
        for kind in taken_for_granted(conditions, document):
            assert kind.doubtful is not None, "only such are found"
            yield warning(path, kind, *kind.doubtful)


def warning(path: str, kind: EventType, fact: str, why: Text) -> Problem:
    message = _("“%(event)s” counts whoever did it. %(why)s Ask for “%(fact)s” is false, or for another event.")
    facts = {"event": kind.label, "why": why, "fact": kind.known_properties()[fact].label}
    return Problem(path, message % facts, severity="warning", code="doubtful")


def taken_for_granted(conditions: Conditions, document: Any) -> list[EventType]:
    """The doubtful events criteria look at without asking who did it."""
    compiled = conditions.compiled(document)
    if compiled is None:
        return []
    looked_at = {one.property.removeprefix(EVENT_PREFIX) for one in compiled.dependencies.properties}
    found = []
    for kind in (event_types[slug] for slug in sorted(looked_at) if slug in event_types):
        if kind.doubtful is None:
            continue
        fact = kind.doubtful[0]
        filters = [part for part in parts(document) if part.get("event") == kind.slug]
        # Filters of another kind, such as those on marketing emails, look at the event without naming it.
        if not filters or not all(asks(one, fact) for one in filters):
            found.append(kind)
    return found


def asks(document: dict[str, Any], fact: str) -> bool:
    where = document.get("where")
    return isinstance(where, list) and any(isinstance(one, dict) and one.get("property") == fact for one in where)


def parts(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from parts(value)
    elif isinstance(document, list):
        for value in document:
            yield from parts(value)
