"""Wait for a time before, on or after the date a workflow is centred on (DLY-10, SCH-27 to SCH-31)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.properties import Option, Property
from workflows.definitions import centres
from workflows.engine.delaying import DelayUntil
from workflows.engine.writing import current_values
from workflows.events.base import Want
from workflows.events.journal import source_of
from workflows.intake import occurrences
from workflows.registries import actions
from workflows.schedules import centring
from workflows.schedules.centring import PAST, day_for
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.time_fields import OffsetField, TimeField
from workflows.times.moments import shown_moment, shown_time
from workflows.times.wall_time import time_of, workflow_zone

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

    #: Records by the day their steps are counted from and the instant before which is past; None without a day.
    Groups = dict[tuple[dt.date, dt.datetime] | None, list[Standing]]

CHANGED = "property_changed"
#: Properties that never change, or of which the journal does not tell.
SILENT = frozenset({"id", "created_at", "updated_at"})


@actions.register
class DelayToCentre(DelayUntil):
    """Every record has a centre day of its own; its outputs keep which (`centre`), and how it went (`state`)."""

    slug = centring.SLUG
    label = gettext_lazy("Wait for a time before or after the date")
    description = gettext_lazy("Hold the record until days before, on or after the date the workflow is centred on.")
    icon = "calendar-clock"
    states = (
        Option("waited", gettext_lazy("The record waited")),
        Option(PAST, gettext_lazy("The time had passed")),
        Option("empty", gettext_lazy("The date was blank")),
    )

    class Params(ParamsForm):
        days = OffsetField(label=gettext_lazy("Days before or after the date"), required=False)
        at = TimeField(
            label=gettext_lazy("Time of day"),
            help_text=gettext_lazy(
                "In the workflow’s time zone. What follows is skipped for records that enter after this time."
            ),
        )

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        time = time_of(document.get("at"))
        if time is None:
            return _("Choose the time to wait for")
        facts = {"when": when(document.get("days"), centring.centre_words(context)), "time": shown_time(time)}
        return _("Wait until %(when)s, %(time)s") % facts

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        centre = context.definition.centre
        return {f"{context.object_type.slug}.{centre.property}"} if centre and centre.property else set()

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"state": Property("state", gettext_lazy("Whether it waited"), "select", options_source=self.states)}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        values = centre_days(batch)
        groups: Groups = {}
        for enrollment in batch.enrollments:
            day = values.get(enrollment.record_id)
            key = None if day is None else day_for(day, batch.definition, enrollment, batch.step)
            groups.setdefault(key, []).append(enrollment)
        self.settle(batch, groups)

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        """The time has come, or the date was changed: then the record waits for the new one."""
        occurrences.end(batch)
        values, centre = centre_days(batch), batch.definition.centre
        groups: Groups = {}
        for enrollment in batch.enrollments:
            day = values.get(enrollment.record_id)
            passed = centring.last_passed(enrollment, batch.definition)
            key = None
            if day is not None and passed is not None:
                if centre is not None and centre.yearly:
                    day = self.moved_round(batch, enrollment, day, passed.centre)
                # A time that is past because the date was moved is past from now on, for later steps as well.
                key = day, passed.since if day == passed.centre else max(batch.now, passed.since)
            groups.setdefault(key, []).append(enrollment)
        self.settle(batch, groups)

    def moved_round(self, batch: Batch, enrollment: Standing, day: dt.date, before: dt.date) -> dt.date:
        """The day of the round a record is in, where its date may have been changed; `before` is what it was.

        Who has not come by any step yet is in no year's round: the next one of the new date is its first.
        """
        same_year = centres.in_year(day, before.year)
        if same_year != before and enrollment.visit == 0 and batch.step.id == batch.definition.first:
            return centring.first_day(day, batch.definition, batch.now)
        return same_year

    def settle(self, batch: Batch, groups: Groups) -> None:
        """Have records wait for their time, or go on: past what it had been for, if it was over before they came.

        Those without a day leave: it was emptied while they were inside, and there is nothing to count from.
        """
        zone, step = workflow_zone(batch.definition.settings), centring.timed(batch.step)
        waiting: list[Standing] = []
        for key, enrollments in groups.items():
            if key is None:
                batch.end(enrollments, state="empty")
                continue
            day, since = key
            until = step.instant(day, zone)
            facts = {"days": step.days, "until": until.isoformat(), "centre": day.isoformat()}
            state = "waiting" if until > batch.now else PAST if until < since else "waited"
            if state == "waiting":
                waiting += enrollments
                batch.wait(enrollments, until, **facts)
            else:
                batch.done(enrollments, state=state, **facts)
            for one in enrollments:
                batch.output(one, state=state, centre=day.isoformat(), since=since.isoformat(), visit=one.visit)
        self.watch(batch.part(waiting))

    def watch(self, batch: Batch) -> None:
        """Have a change of the record's date wake it."""
        centre = batch.definition.centre
        prop = batch.properties.get(centre.property) if centre and centre.property else None
        if not batch.enrollments or prop is None or prop.calculated is not None or prop.slug in SILENT:
            return
        wanted = {"property": prop.slug, "type": prop.type}
        occurrences.begin(batch, Want(source_of(batch.object_type.slug), "", wanted), CHANGED)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        facts = {"when": when(detail.get("days"), centring.centre_words(context))}
        facts["until"] = shown_moment(detail.get("until"))
        if detail.get("state") == "empty":
            return format_html(_("{date} is blank now, so the record left"), date=centring.centre_words(context))
        if detail.get("state") == PAST:
            return format_html(_("Passed over what follows: {until} was past ({when})"), **facts)
        if outcome == "waiting":
            return format_html(_("Waits until {until} ({when})"), **facts)
        return _("The wait was over")


def centre_days(batch: Batch) -> dict[int, dt.date | None]:
    """The day each record's steps are counted from: of a yearly one in the year it stands there with."""
    centre = batch.definition.centre
    if centre is None or not centre.property:
        return dict.fromkeys(batch.ids, centre.date if centre else None)
    zone = workflow_zone(batch.definition.settings)
    values = current_values(batch, batch.properties[centre.property])
    return {pk: v.astimezone(zone).date() if isinstance(v, dt.datetime) else v for pk, v in values.items()}


def when(days: Any, centre: str) -> str:
    """ "3 days before Close date", "on Close date"."""
    number = days if isinstance(days, int) and not isinstance(days, bool) else 0
    facts = {"n": abs(number), "date": centre}
    if not number:
        return _("%(date)s") % facts
    if number < 0:
        return ngettext("%(n)d day before %(date)s", "%(n)d days before %(date)s", abs(number)) % facts
    return ngettext("%(n)d day after %(date)s", "%(n)d days after %(date)s", number) % facts
