"""When an event occurs: the records it happens to are enrolled, if they meet the standing criteria then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import criteria
from records.clock import database_now
from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows.events.known import event_of, known_events
from workflows.events.settings import EventForm, context_of, describe
from workflows.registries import triggers
from workflows.triggers.base import Trigger

EVENT_LIMIT = 50


@triggers.register
class Event(Trigger):
    """{kind: event, events: [{event: page_viewed, where: […]}, …], criteria: {…}, reenroll: true}

    Any of the events enrolls (TRG-16). `criteria` have to be met at the instant of the event (TRG-32, TRG-34).
    `reenroll` is one yes or no for all of them (EVT-30).
    """

    slug = "event"
    label = gettext_lazy("When an event occurs")
    description = gettext_lazy("Records something happens to, from the moment the workflow is on.")
    icon = "zap"
    keys = ("kind", "events", "criteria", "reenroll")

    def faults(self, document: dict[str, Any]) -> list[Problem]:
        found = []
        for key in document:
            if key == "schedule":
                message = _("An event trigger cannot have a schedule, too. Remove “schedule”, or choose that trigger.")
                found.append(Problem(key, message, code="unknown_field"))
            elif key not in self.keys:
                message = _("“%(key)s” is not known in an event trigger. Use: %(known)s.")
                facts = {"key": key, "known": ", ".join(self.keys)}
                found.append(Problem(key, message % facts, code="unknown_field"))
        if not isinstance(document.get("reenroll", False), bool):
            message = _("%(value)r is neither true nor false. With events re-enrollment is one yes or no for all.")
            found.append(Problem("reenroll", message % {"value": document["reenroll"]}, document["reenroll"]))
        return [*found, *shape_faults(document.get("events", []))]

    def problems(self, document: dict[str, Any], object_type: str) -> list[Problem]:
        items = document.get("events") or []
        found = [] if items else [Problem("events", _("Choose at least one event."), code="missing")]
        for place, item in enumerate(items):
            found += [problem.at(f"events.{place}") for problem in item_problems(item, object_type)]
        if document.get("criteria"):
            try:
                criteria.parse(document["criteria"], object_types[object_type], path="criteria")
            except DocumentError as error:
                found += error.problems
        return found

    def reads(self, document: dict[str, Any], object_type: str) -> set[str]:
        context = context_of(object_type)
        items = [
            (event_of(item.get("event")), item) for item in document.get("events") or [] if isinstance(item, dict)
        ]
        return {name for event, item in items if event is not None for name in event.reads(item, context)}

    def describe(self, document: dict[str, Any], object_type: str) -> str:
        context = context_of(object_type)
        told = []
        for item in document.get("events") or []:
            event = event_of(item.get("event"))
            told.append(describe(event, item, context) if event else _("an event that is gone"))
        if not told:
            return _("Choose which events enroll %(records)s") % {"records": object_types[object_type].label_plural}
        sentence = told[0]
        for other in told[1:]:
            sentence = _("%(left)s OR %(right)s") % {"left": sentence, "right": other}
        facts = {"events": sentence}
        if not document.get("criteria"):
            return _("When this happens: %(events)s") % facts
        try:
            compiled = criteria.compile(
                document["criteria"], object_types[object_type], now=database_now(), stored=True
            )
            facts["criteria"] = compiled.text
        except DocumentError:
            return _("When this happens: %(events)s, and with filters that are not finished") % facts
        return _("When this happens: %(events)s, and only if then %(criteria)s") % facts


def shape_faults(items: Any) -> Iterator[Problem]:
    """What keeps a list of events from being read at all."""
    if not isinstance(items, list):
        message = _("“events” is a list like [{“event”: “page_viewed”}], not %(value)r.")
        yield Problem("events", message % {"value": items}, items)
        return
    if len(items) > EVENT_LIMIT:
        message = _("A trigger has %(limit)d events at most. Remove some.")
        yield Problem("events", message % {"limit": EVENT_LIMIT}, code="too_many_events")
    for place, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("event", ""), str):
            message = _("An event is a JSON object like {“event”: “page_viewed”}, not %(value)r.")
            yield Problem(f"events.{place}", message % {"value": item}, item)


def item_problems(item: dict[str, Any], object_type: str) -> list[Problem]:
    """What keeps one event from being published, with paths inside it."""
    event = event_of(item.get("event"))
    offered = {one.slug: one for one in known_events(object_types[object_type]) if one.triggering}
    if event is None or event.slug not in offered:
        message = _("There is no event %(value)r that could enroll %(records)s. Use one of: %(known)s.")
        facts = {
            "value": item.get("event"), "records": object_types[object_type].label_plural, "known": ", ".join(offered),
        }  # fmt: skip
        return [Problem("event", message % facts, item.get("event"), code="unknown_event")]
    document = {key: value for key, value in item.items() if key != "event"}
    form = EventForm(event, document=document, context=context_of(object_type))
    unfinished = [Problem("event", str(event.unfinished), event.slug, code="unfinished")] if event.unfinished else []
    return [*unfinished, *form.problems()]
