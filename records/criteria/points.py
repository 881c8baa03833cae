"""Points in time a filter names: a day, an instant, or one that moves with the clock (OPR-49, OPR-51)."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import dateparse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from records.criteria.tree import Context
from records.moments import moment
from records.property_types.dates import parse_date

ANCHORS: dict[str, str | Promise] = {
    "now": gettext_lazy("now"),
    "today": gettext_lazy("today"),
    "week": gettext_lazy("the first day of this week"),
    "month": gettext_lazy("the first day of this month"),
    "quarter": gettext_lazy("the first day of this quarter"),
    "year": gettext_lazy("the first day of this year"),
}
MONTHS = {"years": 12, "quarters": 3, "months": 1}
DAYS = {"weeks": 7, "days": 1}
SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
BEFORE: dict[str, Any] = {
    "years": ngettext_lazy("%(count)d year before %(anchor)s", "%(count)d years before %(anchor)s", "count"),
    "quarters": ngettext_lazy("%(count)d quarter before %(anchor)s", "%(count)d quarters before %(anchor)s", "count"),
    "months": ngettext_lazy("%(count)d month before %(anchor)s", "%(count)d months before %(anchor)s", "count"),
    "weeks": ngettext_lazy("%(count)d week before %(anchor)s", "%(count)d weeks before %(anchor)s", "count"),
    "days": ngettext_lazy("%(count)d day before %(anchor)s", "%(count)d days before %(anchor)s", "count"),
    "hours": ngettext_lazy("%(count)d hour before %(anchor)s", "%(count)d hours before %(anchor)s", "count"),
    "minutes": ngettext_lazy("%(count)d minute before %(anchor)s", "%(count)d minutes before %(anchor)s", "count"),
    "seconds": ngettext_lazy("%(count)d second before %(anchor)s", "%(count)d seconds before %(anchor)s", "count"),
    "milliseconds": ngettext_lazy(
        "%(count)d millisecond before %(anchor)s", "%(count)d milliseconds before %(anchor)s", "count"
    ),
}
AFTER: dict[str, Any] = {
    "years": ngettext_lazy("%(count)d year after %(anchor)s", "%(count)d years after %(anchor)s", "count"),
    "quarters": ngettext_lazy("%(count)d quarter after %(anchor)s", "%(count)d quarters after %(anchor)s", "count"),
    "months": ngettext_lazy("%(count)d month after %(anchor)s", "%(count)d months after %(anchor)s", "count"),
    "weeks": ngettext_lazy("%(count)d week after %(anchor)s", "%(count)d weeks after %(anchor)s", "count"),
    "days": ngettext_lazy("%(count)d day after %(anchor)s", "%(count)d days after %(anchor)s", "count"),
    "hours": ngettext_lazy("%(count)d hour after %(anchor)s", "%(count)d hours after %(anchor)s", "count"),
    "minutes": ngettext_lazy("%(count)d minute after %(anchor)s", "%(count)d minutes after %(anchor)s", "count"),
    "seconds": ngettext_lazy("%(count)d second after %(anchor)s", "%(count)d seconds after %(anchor)s", "count"),
    "milliseconds": ngettext_lazy(
        "%(count)d millisecond after %(anchor)s", "%(count)d milliseconds after %(anchor)s", "count"
    ),
}
LARGEST_OFFSET = 100_000
YEARS = range(2, 9999)


@dataclass(frozen=True)
class Span:
    """The time a point covers: a whole day (`end` excluded), or one instant (`start` is `end`)."""

    start: dt.datetime
    end: dt.datetime
    first_day: dt.date
    last_day: dt.date


@dataclass(frozen=True)
class Point:
    """A day, an instant, or an anchor with an offset."""

    day: dt.date | None = None
    instant: dt.datetime | None = None
    anchor: str = ""
    offset: int = 0
    unit: str = "days"

    @property
    def moves(self) -> bool:
        return bool(self.anchor)

    def span(self, context: Context) -> Span:
        """The time covered, with days beginning and ending in the context's zone."""
        if self.instant is not None:
            return instant_span(self.instant, context.zone)
        if self.day is not None:
            return day_span(self.day, context.zone)
        if self.anchor == "now" or self.unit in SECONDS:
            local = context.now.astimezone(context.zone)
            begin = local if self.anchor == "now" else midnight(anchored(self.anchor, local.date()), context.zone)
            return instant_span(shifted_instant(begin, self.offset, self.unit, context.zone), context.zone)
        today = context.now.astimezone(context.zone).date()
        return day_span(shifted_day(anchored(self.anchor, today), self.offset, self.unit), context.zone)

    def display(self) -> str:
        if self.day is not None:
            return date_format(self.day, "DATE_FORMAT")
        if self.instant is not None:
            return moment(self.instant)
        anchor = str(ANCHORS[self.anchor])
        if not self.offset:
            return anchor
        phrases = BEFORE if self.offset < 0 else AFTER
        return phrases[self.unit] % {"count": abs(self.offset), "anchor": anchor}


def read_point(raw: Any) -> Point:
    """A point from a document: an ISO day or instant, or {relative_to, offset, unit}; ValueError otherwise."""
    if isinstance(raw, str):
        text = raw.strip()
        day = parse_date(text) if len(text) == 10 else None
        if day is not None and day.year in YEARS:
            return Point(day=day)
        try:
            instant = dateparse.parse_datetime(text)
        except ValueError:
            instant = None
        if day is None and instant is not None and instant.year in YEARS:
            return Point(instant=instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC))
    if isinstance(raw, dict):
        return read_relative(raw)
    message = _(
        "“%(value)s” is not a date. Write it year-month-day, like 2026-11-22, or relative, like "
        '{"relative_to": "today", "offset": -3, "unit": "days"}.'
    )
    raise ValueError(message % {"value": raw})


def read_relative(raw: dict[str, Any]) -> Point:
    strange = set(raw) - {"relative_to", "offset", "unit"}
    if strange:
        message = _("“%(key)s” is not known in a relative date. Use: relative_to, offset, unit.")
        raise ValueError(message % {"key": min(strange, key=str)})
    anchor, offset, unit = raw.get("relative_to"), raw.get("offset", 0), raw.get("unit", "days")
    if not isinstance(anchor, str) or anchor not in ANCHORS:
        message = _("%(value)r is not a point a date can be relative to. Use one of: %(known)s.")
        raise ValueError(message % {"value": anchor, "known": ", ".join(ANCHORS)})
    if isinstance(offset, bool) or not isinstance(offset, int) or abs(offset) > LARGEST_OFFSET:
        message = _("%(value)r is not an offset. Send a whole number between -%(limit)d and %(limit)d.")
        raise ValueError(message % {"value": offset, "limit": LARGEST_OFFSET})
    if not isinstance(unit, str) or unit not in BEFORE:
        message = _("%(value)r is not a unit of time. Use one of: %(known)s.")
        raise ValueError(message % {"value": unit, "known": ", ".join(BEFORE)})
    point = Point(anchor=anchor, offset=offset, unit=unit)
    years = abs(offset) * (MONTHS.get(unit, 0) / 12 + DAYS.get(unit, 0) / 365)
    if years > 1000:
        raise ValueError(_("%(value)r %(unit)s is more than 1000 years. Use less.") % {"value": offset, "unit": unit})
    return point


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The instant a day begins in a zone. A midnight that does not exist moves by the gap."""
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.UTC)


def day_span(day: dt.date, zone: ZoneInfo) -> Span:
    following = min(day, dt.date.max - dt.timedelta(days=1)) + dt.timedelta(days=1)
    return Span(midnight(day, zone), midnight(following, zone), day, day)


def instant_span(instant: dt.datetime, zone: ZoneInfo) -> Span:
    day = instant.astimezone(zone).date()
    return Span(instant.astimezone(dt.UTC), instant.astimezone(dt.UTC), day, day)


def anchored(anchor: str, today: dt.date) -> dt.date:
    """The first day of the period that contains today; weeks begin on Monday."""
    if anchor == "week":
        return today - dt.timedelta(days=today.weekday())
    if anchor == "month":
        return today.replace(day=1)
    if anchor == "quarter":
        return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    return today.replace(month=1, day=1) if anchor == "year" else today


def shifted_day(day: dt.date, offset: int, unit: str) -> dt.date:
    """A day moved by calendar units; the 31st becomes the last day of a shorter month."""
    if unit in DAYS:
        return day + dt.timedelta(days=offset * DAYS[unit])
    months = day.year * 12 + day.month - 1 + offset * MONTHS[unit]
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def shifted_instant(instant: dt.datetime, offset: int, unit: str, zone: ZoneInfo) -> dt.datetime:
    """An instant moved: by days and longer on the wall clock of the zone, by hours and shorter on the absolute one."""
    if unit in SECONDS:
        return instant.astimezone(dt.UTC) + dt.timedelta(seconds=offset * SECONDS[unit])
    local = instant.astimezone(zone)
    return dt.datetime.combine(shifted_day(local.date(), offset, unit), local.time(), tzinfo=zone).astimezone(dt.UTC)
