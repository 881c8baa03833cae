"""Delay until an event occurs, at most for some time (DLY-05 to DLY-08)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.properties import Property
from workflows.actions.base import Action
from workflows.actions.delay import amount_text
from workflows.events.base import Event
from workflows.events.known import by_category, event_of, known_events
from workflows.events.settings import WhereField, add_where, describe, prepare
from workflows.intake import occurrences
from workflows.registries import actions, events
from workflows.step_forms.duration_field import DurationField
from workflows.step_forms.forms import ChoiceField
from workflows.step_forms.params import ParamsForm, StepContext, field_schema

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing
    from workflows.events.base import Wait


class EventField(ChoiceField):
    """What a record can wait for; the panel is drawn anew when it changes, as each event has its own settings."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs["data-refresh"] = "panel"

    def use_context(self, context: StepContext) -> None:
        offered = by_category([event for event in known_events(context.object_type) if event.waited])
        groups = [(name, [(one.slug, str(one.label)) for one in group]) for name, group in offered.items()]
        self.choices = [("", "—"), *groups]


def event_in(document: dict[str, Any]) -> Event | None:
    return event_of(document.get("event"))


@actions.register
class DelayUntilEvent(Action):
    slug = "delay_until_event"
    label = gettext_lazy("Delay until an event")
    description = gettext_lazy("Hold the record until something happens to it, for some time at most.")
    group = gettext_lazy("Flow")
    icon = "timer"
    flow = True

    class Params(ParamsForm):
        event = EventField(label=gettext_lazy("Wait until this happens"))
        max_wait = DurationField(
            label=gettext_lazy("Wait at most"),
            required=False,
            help_text=gettext_lazy("Then the record goes on. Leave it out to wait for as long as it takes."),
        )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            event = event_of(self.raw("event"))
            if event is not None:
                for name, own in event.fields().items():
                    self.fields[name] = own
                    prepare(own, self)
                add_where(self, event)
            self.fields["max_wait"] = self.fields.pop("max_wait")

        @classmethod
        def schema(cls, context: StepContext | None = None) -> dict[str, Any]:
            """With the settings of every event; which of them one wants says the check of the step."""
            found = super().schema(context)
            found["properties"]["where"] = field_schema(WhereField(None))
            for event in events.values():
                for name, own in event.fields().items():
                    if context is not None and hasattr(own, "use_context"):
                        own.use_context(context)
                    found["properties"].setdefault(name, field_schema(own))
            return found

        def clean_max_wait(self) -> dict[str, int]:
            amount: dict[str, int] = self.cleaned_data["max_wait"]
            if amount and not any(amount.values()):
                raise ValidationError(_("Give some days, hours or minutes, or leave it out to wait for ever."))
            return amount

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        event = event_in(document)
        if event is None:
            return _("Choose what to wait for")
        facts = {"event": describe(event, document, context), "amount": longest(document)}
        if not facts["amount"]:
            return _("Wait until: %(event)s") % facts
        return _("Wait until: %(event)s. At most %(amount)s") % facts

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        event = event_in(document)
        return event.reads(document, context) if event else set()

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"happened": Property("happened", gettext_lazy("It happened"), "boolean")}

    def params(self, document: dict[str, Any], context: StepContext) -> dict[str, Any]:
        """Never raises: who waits must be let go also when the event's settings have become invalid meanwhile."""
        try:
            return super().params(document, context)
        except ValueError as error:
            return {"error": str(error)[:500]}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        if "error" in params:
            batch.fail(None, "invalid_params", error=params["error"])
            return
        event = event_of(params["event"])
        assert event is not None, "the form has found it"
        occurrences.begin(batch, event.want(params, batch.context), event.slug)
        facts = self.facts(batch)
        if not params["max_wait"]:
            batch.wait(None, None, **facts)
            return
        there: dict[dt.datetime, list[Standing]] = {}
        for enrollment in batch.enrollments:
            there.setdefault(enrollment.arrived_at or batch.now, []).append(enrollment)
        for arrived, enrollments in there.items():
            # Elapsed time is UTC arithmetic: an hour is an hour, also when the clocks change.
            until = arrived.astimezone(dt.UTC) + dt.timedelta(**params["max_wait"])
            batch.wait(enrollments, until, until=until.isoformat(), **facts)

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        waits = occurrences.end(batch)
        facts = self.facts(batch)
        for enrollment in batch.enrollments:
            wait = waits.get(enrollment.id)
            happened = wait is not None and wait.happened_at is not None
            batch.output(enrollment, happened=happened)
            batch.done(enrollment, happened=happened, **facts, **took(wait))

    def facts(self, batch: Batch) -> dict[str, Any]:
        """What the log keeps of the settings, because they may be others when the story is told."""
        document = batch.step.params
        event = event_in(document)
        if event is None:
            return {}
        settings = event.facts(document, batch.context)
        settings |= {"where": document["where"]} if document.get("where") else {}
        found: dict[str, Any] = {"event": event.slug, "settings": settings}
        return found | ({"max_wait": document["max_wait"]} if document.get("max_wait") else {})

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        event = event_in(detail)
        if event is None:
            return format_html("{}", self.label)
        settings = detail.get("settings")
        facts = {"event": describe(event, settings if isinstance(settings, dict) else {}, context)}
        facts["amount"] = longest(detail)
        if outcome == "waiting":
            if facts["amount"]:
                return format_html(_("Waits until: {event}. At most {amount}"), **facts)
            return format_html(_("Waits until: {event}"), **facts)
        if not detail.get("happened"):
            if facts["amount"]:
                return format_html(_("Waited until: {event}. It did not happen within {amount}"), **facts)
            return format_html(_("Waited until: {event}. It did not happen"), **facts)
        time = time_text(detail.get("seconds"))
        if not time:
            return format_html(_("Waited until: {event}. It happened within a minute"), **facts)
        return format_html(_("Waited until: {event}. It happened {time} later"), time=time, **facts)


def longest(document: dict[str, Any]) -> str:
    """ "2 days, 3 hours": the longest wait; "" for none."""
    amount = document.get("max_wait")
    return amount_text(amount) if isinstance(amount, dict) else ""


def took(wait: Wait | None) -> dict[str, Any]:
    if wait is None or wait.happened_at is None:
        return {}
    return {"seconds": max(int((wait.happened_at - wait.since).total_seconds()), 0)}


def time_text(seconds: Any) -> str:
    """ "3 hours": a time in its largest unit; "" for less than a minute."""
    number = seconds if isinstance(seconds, int) else 0
    if number >= 86_400:
        return ngettext("%(n)d day", "%(n)d days", number // 86_400) % {"n": number // 86_400}
    if number >= 3_600:
        return ngettext("%(n)d hour", "%(n)d hours", number // 3_600) % {"n": number // 3_600}
    if number >= 60:
        return ngettext("%(n)d minute", "%(n)d minutes", number // 60) % {"n": number // 60}
    return ""
