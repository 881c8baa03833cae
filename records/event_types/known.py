"""Built-in event types, custom ones and those of other sources together."""

from __future__ import annotations

from records.event_types.base import EventType, event_types, sources


def known_event_types(object_type: str | None = None) -> dict[str, EventType]:
    """Every event type by slug, built-in ones first; with an object type only what happens to its records."""
    from records.models import CustomEventType

    custom = CustomEventType.objects.prefetch_related("properties")
    found: list[EventType] = [*event_types.values(), *(one.as_event_type() for one in custom)]
    found += [one for source in sources for one in source.every()]
    return {one.slug: one for one in found if object_type is None or one.happens_to(object_type)}


def event_type(slug: object) -> EventType | None:
    """The event type of this slug; None when there is none."""
    from records.models import CustomEventType

    if not isinstance(slug, str) or "\x00" in slug:
        return None
    if slug in event_types:
        found: EventType = event_types[slug]
        return found
    custom = CustomEventType.objects.prefetch_related("properties").filter(slug=slug).first()
    return custom.as_event_type() if custom else from_elsewhere(slug)


def from_elsewhere(slug: str) -> EventType | None:
    """The event type of this slug that a source has."""
    return next((kind for source in sources if (kind := source.named(slug)) is not None), None)
