"""Delay until a calendar date and time (DLY-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.engine.delaying import DelayUntilDate, grouped, in_zone, zones
from workflows.registries import actions
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.time_fields import MomentField, ZoneField, moment_of
from workflows.times.moments import shown_moment
from workflows.times.wall_time import instant_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class CalendarDate(DelayUntilDate):
    slug = "delay_until_date"
    label = gettext_lazy("Delay until a calendar date")
    description = gettext_lazy("Hold the record until a date and time; it goes on at once when that is past.")
    icon = "calendar"

    class Params(ParamsForm):
        at = MomentField(label=gettext_lazy("Date and time"))
        zone = ZoneField()

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        moment = moment_of(document.get("at"))
        if moment is None:
            return _("Choose the date to wait for")
        return in_zone(_("Wait until %(moment)s") % {"moment": date_format(moment, "DATETIME_FORMAT")}, document)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        moment = params["at"]
        for zone, enrollments in grouped(batch.enrollments, zones(batch, params["zone"])).items():
            self.hold(batch, enrollments, instant_of(moment.date(), moment.time(), zone))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        if detail.get("state") == "past":
            until = shown_moment(detail.get("until"))
            return format_html(_("Went on at once: {until} was already past"), until=until)
        return super().told(detail, outcome, context)
