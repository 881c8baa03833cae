"""Delay until a day of the week, at a time of day if wanted (DLY-11, DLY-13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.engine.delaying import DelayUntil, grouped, in_zone, zones
from workflows.registries import actions
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.time_fields import TimeField, WeekdaysField, ZoneField, weekday_names
from workflows.times.moments import shown_time
from workflows.times.wall_time import next_weekday, time_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class Weekday(DelayUntil):
    slug = "delay_until_weekday"
    label = gettext_lazy("Delay until a day of the week")
    description = gettext_lazy("Hold the record until one of the days, so that what follows runs on them only.")
    icon = "calendar"

    class Params(ParamsForm):
        days = WeekdaysField(label=gettext_lazy("Days"))
        at = TimeField(
            label=gettext_lazy("Time of day"),
            required=False,
            help_text=gettext_lazy("Left out, records go on at once on these days, and otherwise as one begins."),
        )
        zone = ZoneField()

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        names = weekday_names(document.get("days"))
        if not names:
            return _("Choose the days to wait for")
        facts = {"days": get_text_list(names, _("or"))}
        time = time_of(document.get("at"))
        if time is None:
            return in_zone(_("Wait for %(days)s") % facts, document)
        return in_zone(_("Wait for %(days)s, %(time)s") % (facts | {"time": shown_time(time)}), document)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        for zone, enrollments in grouped(batch.enrollments, zones(batch, params["zone"])).items():
            until = next_weekday(batch.now, params["days"], params["at"], zone)
            if until is None or until <= batch.now:
                batch.done(enrollments, state="at_once")
            else:
                batch.wait(enrollments, until, until=until.isoformat())

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        if detail.get("state") == "at_once":
            return _("It was one of the days, so the record went on at once")
        return super().told(detail, outcome, context)
