"""What an event was, as a salesperson reads it: in timelines, and where an enrollment says why it began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.event_types import EventType, event_type
from records.models import Change, Event
from records.object_types import object_types
from records.property_access import rights_of
from workflows.events.known import event_of
from workflows.times.moments import shown_moment


def facts_of(kind: EventType | None, properties: Mapping[str, Any]) -> str:
    """ "Web address: https://example.com, Title: Pricing": what was told with an event."""
    known = kind.known_properties() if kind else {}
    parts = []
    ordered = [slug for slug in known if slug in properties] + [slug for slug in properties if slug not in known]
    for slug, value in ((slug, properties[slug]) for slug in ordered):
        prop = known.get(slug)
        read = prop.stored(value) if prop else value
        if read is not None:
            label = capfirst(str(prop.label)) if prop else slug
            parts.append(
                _("%(property)s: %(value)s") % {"property": label, "value": prop.display(read) if prop else read}
            )
    return ", ".join(parts)


def sentence_of(kind: EventType | None, slug: str, properties: Mapping[str, Any]) -> str:
    """ "Viewed the page “Pricing”": an occurrence in a line, without what `details_of` tells besides."""
    if kind is None:
        return slug
    facts = told_in(kind, properties)
    return str(kind.sentence) % facts if facts is not None else str(kind.label)


def details_of(kind: EventType | None, properties: Mapping[str, Any]) -> str:
    """The facts of an occurrence that its sentence does not tell."""
    told = told_in(kind, properties) if kind is not None else None
    rest = {slug: value for slug, value in properties.items() if told is None or slug not in told}
    return facts_of(kind, rest)


def told_in(kind: EventType, properties: Mapping[str, Any]) -> dict[str, str] | None:
    """The facts an event type's sentence tells, as people read them; None when one is missing, or it has none."""
    if not kind.sentence:
        return None
    known = kind.known_properties()
    names = [slug for slug in known if f"%({slug})s" in str(kind.sentence)]
    facts = {slug: known[slug].display(known[slug].stored(properties.get(slug))) for slug in names}
    return facts if all(facts.values()) else None


def seen_by(user: Any, kind: EventType | None, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was told with an event, without what may quote properties a person has no access to (PRM-09)."""
    if kind is None or not kind.quoting or not rights_of(user).hidden:
        return properties
    return {slug: value for slug, value in properties.items() if slug not in kind.quoting}


def told_event(cause: Mapping[str, Any], user: Any = None) -> str:
    """The event an enrollment remembers, with what was told, as far as a person may see it.

    Its label alone when it is not kept any more.
    """
    row = Event.objects.filter(pk=int(cause["event_id"])).first() if cause.get("event_id") else None
    slug = str(row.event if row else cause.get("event") or "")
    event = event_of(slug)
    label = str(event.label) if event else slug or _("An event")
    kind = event_type(slug)
    facts = facts_of(kind, seen_by(user, kind, row.properties)) if row else change_facts(cause, user)
    return _("%(event)s (%(facts)s)") % {"event": label, "facts": facts} if facts else label


def change_facts(cause: Mapping[str, Any], user: Any) -> str:
    """ "Stage: Engaging": what a change that was the event has made of the record."""
    change = Change.objects.filter(pk=int(cause["change"])).first() if cause.get("change") else None
    if change is None or change.kind != "updated" or change.object_type not in object_types:
        return ""
    object_type = object_types[change.object_type]
    properties = rights_of(user).seen(object_type, object_type.properties())
    told = {slug: value for slug, value in change.after.items() if slug in properties}
    parts = []
    for slug, value in told.items():
        prop = properties[slug]
        shown = prop.display(prop.stored(value)) or _("blank")
        parts.append(_("%(property)s: %(value)s") % {"property": capfirst(str(prop.label)), "value": shown})
    return ", ".join(parts)


def event_sentence(cause: Mapping[str, Any], user: Any = None) -> SafeString:
    """Why a record was enrolled by an event trigger, for the history as a person may read it."""
    facts = {"event": told_event(cause, user), "moment": shown_moment(cause.get("at"))}
    return format_html(_("An event on {moment} enrolled it: {event}."), **facts)
