"""Delay for a set amount of time, counted from reaching the delay (DLY-09)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.actions.base import Action
from workflows.engine.delaying import grouped
from workflows.registries import actions
from workflows.step_forms.forms import NumberField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.times.moments import shown_moment

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

UNITS = ("days", "hours", "minutes")
DAYS_LIMIT = 3_650


def amount_field(label: Any, limit: int) -> NumberField:
    return NumberField(label=label, required=False, min_value=0, max_value=limit, decimal_places=0)


@actions.register
class Delay(Action):
    slug = "delay"
    label = gettext_lazy("Delay for a set amount of time")
    description = gettext_lazy("Hold the record for some days, hours and minutes.")
    group = gettext_lazy("Flow")
    icon = "clock"
    flow = True

    class Params(ParamsForm):
        days = amount_field(gettext_lazy("Days"), DAYS_LIMIT)
        hours = amount_field(gettext_lazy("Hours"), DAYS_LIMIT * 24)
        minutes = amount_field(gettext_lazy("Minutes"), DAYS_LIMIT * 1_440)

        def clean(self) -> dict[str, Any]:
            cleaned = super().clean() or {}
            if not self.errors and not any(cleaned.get(unit) for unit in UNITS):
                raise ValidationError(_("Give the delay some days, hours or minutes."))
            return cleaned

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        amount = amount_text(document)
        return _("Wait %(amount)s") % {"amount": amount} if amount else _("Choose how long to wait")

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        amount = {unit: int(params[unit] or 0) for unit in UNITS}
        given = {unit: number for unit, number in amount.items() if number}
        for arrived, enrollments in grouped(batch.enrollments, lambda one: one.arrived_at or batch.now).items():
            # Elapsed time is UTC arithmetic: an hour is an hour, also when the clocks change.
            until = arrived.astimezone(dt.UTC) + dt.timedelta(**amount)
            batch.wait(enrollments, until, until=until.isoformat(), **given)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        if outcome != "waiting" or "until" not in detail:
            return _("The wait was over")
        until = shown_moment(detail["until"])
        return format_html(_("Waits {amount}, until {until}"), amount=amount_text(detail), until=until)


def amount_text(document: dict[str, Any]) -> str:
    """ "2 days, 3 hours": what is given and not 0; what is not a whole number is left out."""
    numbers = {unit: document.get(unit) for unit in UNITS}
    words = {
        "days": lambda n: ngettext("%(n)d day", "%(n)d days", n),
        "hours": lambda n: ngettext("%(n)d hour", "%(n)d hours", n),
        "minutes": lambda n: ngettext("%(n)d minute", "%(n)d minutes", n),
    }
    return ", ".join(
        words[unit](number) % {"n": number}
        for unit, number in numbers.items()
        if isinstance(number, int) and not isinstance(number, bool) and number > 0
    )
