"""The events of a trigger in its panel: each with its settings and filters, and a place to add one more (EVT-28)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from records.object_types import ObjectType, object_types
from records.seeing import may_use
from workflows.definitions.definition import Definition
from workflows.events.known import by_category, event_of, known_events
from workflows.events.settings import EventForm, context_of

DRAWS_ANEW = {"data-refresh": "panel"}


class EventChoice(forms.Form):
    """Which event; “—” takes it out again. `was` is the one whose settings the page has."""

    def __init__(self, data: Any, object_type: ObjectType, index: int, slug: str, user: Any = None) -> None:
        super().__init__(data, initial={"event": slug, "was": slug}, prefix=f"event-{index}", auto_id="param_%s")
        usable = [event for event in known_events(object_type) if may_use(user, event.permission)]
        groups = by_category([event for event in usable if event.triggering])
        choices: list[Any] = [(name, [(one.slug, str(one.label)) for one in group]) for name, group in groups.items()]
        if slug and slug not in {one.slug for group in groups.values() for one in group}:
            choices.append((slug, kept_name(slug)))
        label = _("Event %(number)d") % {"number": index + 1} if slug else _("Add an event")
        self.fields["event"] = forms.ChoiceField(
            choices=[("", "—"), *choices], required=False, label=label, widget=forms.Select(attrs=DRAWS_ANEW)
        )
        self.fields["was"] = forms.CharField(required=False, widget=forms.HiddenInput)


def kept_name(slug: str) -> str:
    """An event that stands in the trigger and is not offered: it is gone, or takes a right the person lacks."""
    event = event_of(slug)
    return str(event.label) if event else _("“%(event)s”, which is gone") % {"event": slug}


class EventItem:
    """One event of the trigger as the panel shows it."""

    def __init__(self, object_type: ObjectType, index: int, document: dict[str, Any], user: Any = None) -> None:
        slug = str(document.get("event") or "")
        self.choice = EventChoice(None, object_type, index, slug, user)
        event = event_of(slug)
        settings = {key: value for key, value in document.items() if key != "event"}
        self.settings = (
            EventForm(event, document=settings, context=context_of(object_type.slug), prefix=f"event-{index}")
            if event
            else None
        )


class EventsForm:
    """All of them. Drawn from the definition; what was sent only makes the new document."""

    def __init__(self, data: Any, definition: Definition, *, user: Any = None) -> None:
        self.data, self.object_type, self.user = data, object_types[definition.object], user
        events = definition.trigger.document.get("events")
        self.events = [one for one in events if isinstance(one, dict)] if isinstance(events, list) else []

    @property
    def items(self) -> list[EventItem]:
        """The events, and at the end an empty one to choose another."""
        return [EventItem(self.object_type, index, one, self.user) for index, one in enumerate([*self.events, {}])]

    def document(self) -> list[dict[str, Any]]:
        """The trigger's events as they were sent; settings that are not finished are kept, too."""
        found, index = [], 0
        while f"event-{index}-event" in self.data:
            slug, was = self.data.get(f"event-{index}-event"), self.data.get(f"event-{index}-was")
            event = event_of(slug)
            if slug:
                found.append({"event": slug} | (self.settings_of(event, index) if event and slug == was else {}))
            index += 1
        return found

    def settings_of(self, event: Any, index: int) -> dict[str, Any]:
        form = EventForm(event, self.data, context=context_of(self.object_type.slug), prefix=f"event-{index}")
        form.is_valid()
        return form.document()
