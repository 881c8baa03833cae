"""When a task is due that is made now (CRM-14)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from workflows.times.wall_time import LATEST, days_later, instant_of, moved

SATURDAY = 5


def due_at(
    now: dt.datetime, amount: Mapping[str, int], at: dt.time | None, *, workdays: bool, zone: dt.tzinfo
) -> dt.datetime:
    """The instant some days, hours and minutes from now, on the clocks of a zone.

    Days are calendar days, or with `workdays` Mondays to Fridays only. With `at` it is that time of the day it falls
    on, or of the next such day when that time is past.
    """
    days = amount.get("days", 0)
    counted = workdays_between(now.astimezone(zone).date(), days) if workdays else days
    passing = dt.timedelta(hours=amount.get("hours", 0), minutes=amount.get("minutes", 0))
    found = min(days_later(now, counted, zone), LATEST - passing) + passing
    if workdays:
        found = days_later(found, to_workday(found.astimezone(zone).date()), zone)
    if at is None:
        return found
    day = found.astimezone(zone).date()
    instant = instant_of(day, at, zone)
    if instant >= now:
        return instant
    tomorrow = moved(day, 1)
    return instant_of(moved(tomorrow, to_workday(tomorrow)) if workdays else tomorrow, at, zone)


def workdays_between(day: dt.date, count: int) -> int:
    """How many calendar days it is from a day to the last of so many workdays after it."""
    if not count:
        return 0
    # A weekend counts from its Friday.
    back = max(day.weekday() - SATURDAY + 1, 0)
    weeks, rest = divmod(count, 5)
    days = weeks * 7
    while rest:
        days += 1
        rest -= moved(day, days - back).weekday() < SATURDAY
    return days - back


def to_workday(day: dt.date) -> int:
    """How many days it is from a day to the next Monday to Friday; 0 from one of these."""
    return max(7 - day.weekday(), 0) if day.weekday() >= SATURDAY else 0
