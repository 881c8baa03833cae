"""Every event there is: those of the journal and the engine, the event types, and the custom ones."""

from __future__ import annotations

from records.event_types import event_type, known_event_types
from records.object_types import ObjectType
from workflows.events.base import Event
from workflows.events.stored import StoredEvent
from workflows.registries import events


def event_of(slug: object) -> Event | None:
    """The event of this slug; None when there is none (any more)."""
    if isinstance(slug, str) and slug in events:
        found: Event = events[slug]
        return found
    kind = event_type(slug)
    return StoredEvent(kind) if kind is not None else None


def known_events(object_type: ObjectType) -> list[Event]:
    """The events of records of a type, those of the journal first."""
    stored = (StoredEvent(kind) for kind in known_event_types(object_type.slug).values())
    return [*(event for event in events.values() if event.offered(object_type)), *stored]


def by_category(found: list[Event]) -> dict[str, list[Event]]:
    """Events under the headings a person chooses them by."""
    groups: dict[str, list[Event]] = {}
    for event in found:
        groups.setdefault(str(event.category), []).append(event)
    return groups
