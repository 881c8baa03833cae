"""Delay until the date in a property, some days before or after it, at a time of day (DLY-02 to DLY-04)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.properties import Option
from workflows.engine.delaying import DelayUntilDate, go_on, grouped, in_zone, zones
from workflows.engine.writing import current_values
from workflows.registries import actions
from workflows.step_forms.forms import PropertyField
from workflows.step_forms.params import ParamsForm, StepContext
from workflows.step_forms.time_fields import OffsetField, TimeField, ZoneField
from workflows.times.moments import shown_moment, shown_time
from workflows.times.wall_time import MIDNIGHT, days_later, instant_of, moved, time_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class DateProperty(DelayUntilDate):
    slug = "delay_until_property"
    label = gettext_lazy("Delay until a date property")
    description = gettext_lazy("Hold the record until a date in one of its properties, or days before or after.")
    icon = "calendar-clock"
    states = (*DelayUntilDate.states, Option("empty", gettext_lazy("The date was blank")))

    class Params(ParamsForm):
        property = PropertyField(label=gettext_lazy("Date property"), types=("date", "datetime"))
        offset_days = OffsetField(label=gettext_lazy("Days before or after"), required=False)
        at = TimeField(
            label=gettext_lazy("Time of day"),
            required=False,
            help_text=gettext_lazy(
                "Left out, a date means its beginning, and a date with a time keeps its time. Records whose date is "
                "past or blank go on at once."
            ),
        )
        zone = ZoneField()

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        prop = context.properties.get(str(document.get("property", "")))
        if prop is None:
            return _("Choose the date property to wait for")
        facts = {"when": when(document.get("offset_days"), str(prop.label))}
        time = time_of(document.get("at"))
        if time is None:
            return in_zone(_("Wait until %(when)s") % facts, document)
        return in_zone(_("Wait until %(when)s, %(time)s") % (facts | {"time": shown_time(time)}), document)

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        slug = document.get("property")
        found = {f"{context.object_type.slug}.{slug}"} if isinstance(slug, str) and slug else set()
        return super().reads(document, context) | found

    def needs(self, document: dict[str, Any], context: StepContext) -> dict[str, str]:
        slug = document.get("property")
        return {"property": slug} if isinstance(slug, str) and slug else {}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        prop, offset, time = batch.properties[params["property"]], params["offset_days"], params["at"]
        values, zone_of = current_values(batch, prop), zones(batch, params["zone"])
        facts = {"property": prop.slug, "offset_days": offset}
        groups = grouped(batch.enrollments, lambda one: (values.get(one.record_id), zone_of(one)))
        for (value, zone), enrollments in groups.items():
            if value is None:
                go_on(batch, enrollments, "empty", **facts)
            else:
                self.hold(batch, enrollments, instant_for(value, offset, time, zone), **facts)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        slug = str(detail.get("property", ""))
        prop = context.properties.get(slug)
        label = str(prop.label) if prop else slug
        facts = {"when": when(detail.get("offset_days"), label), "until": shown_moment(detail.get("until"))}
        if detail.get("state") == "empty":
            return format_html(_("Went on at once: {property} was blank"), property=label)
        if detail.get("state") == "past":
            return format_html(_("Went on at once: {until} was already past ({when})"), **facts)
        if outcome == "waiting":
            return format_html(_("Waits until {until} ({when})"), **facts)
        return super().told(detail, outcome, context)


def instant_for(value: dt.date | dt.datetime, offset: int, time: dt.time | None, zone: dt.tzinfo) -> dt.datetime:
    """The instant a date property means: calendar days are counted on the wall, so a day may have 23 or 25 hours."""
    if isinstance(value, dt.datetime):
        if time is None:
            return days_later(value, offset, zone)
        value = days_later(value, 0, zone).astimezone(zone).date()
    return instant_of(moved(value, offset), time or MIDNIGHT, zone)


def when(offset: Any, label: str) -> str:
    """ "3 days before Close date"; just the label without an offset, or with one that is no number."""
    if isinstance(offset, bool) or not isinstance(offset, int) or not offset:
        return label
    facts = {"n": abs(offset), "property": label}
    if offset < 0:
        return ngettext("%(n)d day before %(property)s", "%(n)d days before %(property)s", abs(offset)) % facts
    return ngettext("%(n)d day after %(property)s", "%(n)d days after %(property)s", offset) % facts
