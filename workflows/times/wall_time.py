"""Wall times: what a clock on the wall of a zone shows, as instants in UTC (RFC 5545; decision 7 of the design).

A time that does not exist moves by the gap (02:30 → 03:30); one that occurs twice counts the first time. Everything
here is a function of an instant and a zone: nothing reads a clock.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

from django.conf import settings

from records.time_zones import time_zones

#: The days of the week as definitions write them, by `date.weekday()`.
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = dt.time()
#: Days before or after a date that anything may be timed by, at most.
OFFSET_LIMIT = 3_650
#: What lies beyond is taken for these, so that every zone can show it: Python's years are 1 to 9999.
EARLIEST = dt.datetime(1, 1, 3, tzinfo=dt.UTC)
LATEST = dt.datetime(9999, 12, 29, tzinfo=dt.UTC)
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

Fits = Callable[[dt.date], bool]


@lru_cache(maxsize=1_000)
def zone_named(name: str) -> zoneinfo.ZoneInfo | None:
    """The zone of an IANA name like "Europe/Stockholm"; None for a blank and for names nobody knows."""
    return zoneinfo.ZoneInfo(name) if name in time_zones() else None


def workflow_zone(workflow_settings: dict[str, Any]) -> zoneinfo.ZoneInfo:
    """The zone of a workflow's times: its own, or the account's where it has none (SET-08)."""
    return zone_named(str(workflow_settings.get("timezone") or "")) or zoneinfo.ZoneInfo(settings.TIME_ZONE)


def time_of(text: Any) -> dt.time | None:
    """The time "09:00" means; None for anything else."""
    found = TIME.fullmatch(text) if isinstance(text, str) else None
    return dt.time(int(found[1]), int(found[2])) if found else None


def instant_of(day: dt.date, time: dt.time, zone: dt.tzinfo) -> dt.datetime:
    """The instant, in UTC, at which clocks of the zone show `time` on a day."""
    try:
        instant = dt.datetime.combine(day, time, zone).replace(fold=0).astimezone(dt.UTC)
    except OverflowError:
        return EARLIEST if day.year == 1 else LATEST
    return min(max(instant, EARLIEST), LATEST)


def moved(day: dt.date, days: int) -> dt.date:
    """The day so many days later, or earlier; the first or last there is where the calendar ends."""
    try:
        return day + dt.timedelta(days=days)
    except OverflowError:
        return dt.date.min if days < 0 else dt.date.max


def days_later(instant: dt.datetime, days: int, zone: dt.tzinfo) -> dt.datetime:
    """The same time of day, so many calendar days later (earlier when negative)."""
    local = min(max(instant, EARLIEST), LATEST).astimezone(zone)
    return instant if not days else instant_of(moved(local.date(), days), local.time(), zone)


def next_time(now: dt.datetime, time: dt.time, zone: dt.tzinfo, fits: Fits, look_ahead: int) -> dt.datetime | None:
    """The first instant from `now` on at which clocks show `time`, on one of the days that fit.

    `look_ahead`: days to look at, so that no search goes on for ever; None when none of them fits.
    """
    # Times that clocks skip at the end of a day come on the day after: so from yesterday on.
    start = moved(now.astimezone(zone).date(), -1)
    for ahead in range(look_ahead + 2):
        day = moved(start, ahead)
        if fits(day) and (found := instant_of(day, time, zone)) >= now:
            return found
    return None


def next_time_of_day(now: dt.datetime, time: dt.time, zone: dt.tzinfo) -> dt.datetime:
    """The next time clocks show `time`: today if that is still ahead (DLY-12)."""
    return next_time(now, time, zone, lambda day: True, 2) or now


def next_weekday(
    now: dt.datetime, weekdays: Collection[str], time: dt.time | None, zone: dt.tzinfo
) -> dt.datetime | None:
    """When it is next one of the weekdays, at `time` if one is given (DLY-11).

    Without a time that is `now` on a fitting day, and the beginning of the next one otherwise. None without weekdays.
    """
    fits = on_weekdays(weekdays)
    if time is None and fits(now.astimezone(zone).date()):
        return now
    return next_time(now, time or MIDNIGHT, zone, fits, 8)


def on_weekdays(weekdays: Collection[str]) -> Fits:
    return lambda day: WEEKDAYS[day.weekday()] in weekdays
