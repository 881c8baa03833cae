"""Calendar periods: today, last week, this quarter, the next fiscal year … (OPR-48)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from records.criteria.operands import Chosen, Whole, Zone
from records.criteria.operators.base import PropertyFilter, operators
from records.criteria.operators.dates import DateOperator, begins_before, not_before
from records.criteria.points import Point, Span, anchored, shifted_day
from records.criteria.tree import Context

PERIODS: dict[str, str | Promise] = {
    "today": gettext_lazy("today"),
    "yesterday": gettext_lazy("yesterday"),
    "tomorrow": gettext_lazy("tomorrow"),
    "this_week": gettext_lazy("this week"),
    "last_week": gettext_lazy("last week"),
    "next_week": gettext_lazy("next week"),
    "this_month": gettext_lazy("this month"),
    "last_month": gettext_lazy("last month"),
    "next_month": gettext_lazy("next month"),
    "this_quarter": gettext_lazy("this quarter"),
    "last_quarter": gettext_lazy("last quarter"),
    "next_quarter": gettext_lazy("next quarter"),
    "this_year": gettext_lazy("this year"),
    "last_year": gettext_lazy("last year"),
    "next_year": gettext_lazy("next year"),
}
DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
STEPS = {"last": -1, "this": 0, "next": 1}


def bounds(period: str, today: dt.date, first_month: int = 1) -> tuple[dt.date, dt.date]:
    """First day of a period, and of the following one. Quarters and years may begin in another month (fiscal)."""
    if period in DAYS:
        first = today + dt.timedelta(days=DAYS[period])
        return first, first + dt.timedelta(days=1)
    step, _underscore, length = period.partition("_")
    shift = first_month - 1 if length in ("quarter", "year") else 0
    base = (
        shifted_day(anchored(length, shifted_day(today.replace(day=1), -shift, "months")), shift, "months")
        if (shift)
        else anchored(length, today)
    )
    first = shifted_day(base, STEPS[step], f"{length}s")
    return first, shifted_day(first, 1, f"{length}s")


@operators.register
class IsInCalendarPeriod(DateOperator):
    slug, label = "is_in_calendar_period", gettext_lazy("is in calendar period")
    sentence = gettext_lazy("%(property)s is in the period: %(value)s")
    operands = (
        Chosen("value", gettext_lazy("period"), PERIODS),
        Whole("first_month", gettext_lazy("first month of the fiscal year"), 1, 12, required=False),
        Zone(),
    )

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        begin, end = self.edges(leaf, context)
        return not_before(value, begin, leaf) & begins_before(value, end, leaf)

    def edges(self, leaf: PropertyFilter, context: Context) -> list[Span]:
        """The first day of the period, and of the one after it."""
        today = context.now.astimezone(context.zone).date()
        days = bounds(leaf.values["value"], today, leaf.values["first_month"] or 1)
        return [Point(day=day).span(context) for day in days]
