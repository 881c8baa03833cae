"""Delay until a time of day (DLY-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.engine.delaying import DelayUntil, grouped, in_zone, zones
from workflows.registries import actions
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.time_fields import TimeField, ZoneField
from workflows.times.moments import shown_time
from workflows.times.wall_time import next_time_of_day, time_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class TimeOfDay(DelayUntil):
    slug = "delay_until_time"
    label = gettext_lazy("Delay until a time of day")
    description = gettext_lazy("Hold the record until clocks show a time: today if that is still ahead, or tomorrow.")
    icon = "clock"

    class Params(ParamsForm):
        at = TimeField(label=gettext_lazy("Time of day"))
        zone = ZoneField()

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        time = time_of(document.get("at"))
        if time is None:
            return _("Choose the time to wait for")
        return in_zone(_("Wait until %(time)s") % {"time": shown_time(time)}, document)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        for zone, enrollments in grouped(batch.enrollments, zones(batch, params["zone"])).items():
            until = next_time_of_day(batch.now, params["at"], zone)
            if until <= batch.now:
                batch.done(enrollments, state="at_once")
            else:
                batch.wait(enrollments, until, until=until.isoformat())

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        if detail.get("state") == "at_once":
            return _("It was just this time, so the record went on at once")
        return super().told(detail, outcome, context)
