"""When schedules fire: calendar arithmetic on the clocks of a zone. No database, no settings, no clock of its own.

A rule says on which days of the calendar and at which times of day. A time that clocks skip moves by what they skip,
one that comes twice counts the first time (RFC 5545), and days a month does not have are left out, never moved
(SCH-08, SCH-09).
"""

from __future__ import annotations

import calendar
import datetime as dt
import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from croniter import croniter

from workflows.times.wall_time import MIDNIGHT, WEEKDAYS, instant_of, moved

EVERY = ("once", "day", "week", "month", "year", "cron", "property")
#: Ways to name a weekday of a month; a month that has only four of it has no fifth.
ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LAST = "last"
RELATIVE_DAYS = (LAST, *(f"{ordinal}_{day}" for ordinal in ORDINALS for day in DAY_NAMES))
#: A search ends after so many days: a fifth Monday of a February is never further away.
LOOK_AHEAD = 366 * 41
#: No zone is further from UTC, a gap of a whole day included.
FARTHEST = dt.timedelta(hours=40)
CRON_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CRON_NAMES = frozenset((*CRON_MONTHS, *WEEKDAYS))
CRON_FIELD = re.compile(r"[0-9a-z*,/-]+", re.ASCII)
CRON_RANGE = re.compile(r"([0-9a-z]+)-([0-9a-z]+)", re.ASCII)
#: Cron's numbers of the names; a Sunday that ends a range is the seventh day.
CRON_NUMBERS = {name: number for names in (CRON_MONTHS, WEEKDAYS) for number, name in enumerate(names, 1)}


@dataclass(frozen=True)
class Cron:
    """A cron expression, read. None stands for “every”; weekdays are those of `date.weekday()`."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None

    def fits(self, day: dt.date) -> bool:
        """Where both days of the month and weekdays are given, one of them is enough, as in every cron."""
        if self.months is not None and day.month not in self.months:
            return False
        if self.days is not None and self.weekdays is not None:
            return day.day in self.days or day.weekday() in self.weekdays
        return (self.days is None or day.day in self.days) and (
            self.weekdays is None or day.weekday() in self.weekdays
        )


@dataclass(frozen=True)
class Rule:
    """On which days and at what time a schedule fires, as clocks on the wall show it.

    `every` is one of EVERY. "property" fires every day: for the records whose date is that day (`offset_days` later).
    """

    every: str
    at: dt.time = MIDNIGHT
    weekdays: frozenset[str] = frozenset()
    days: frozenset[int] = frozenset()
    #: "last", "first_monday", …: instead of `days`.
    day: str = ""
    month: int = 1
    date: dt.date | None = None
    cron: Cron | None = None
    property: str = ""
    offset_days: int = 0
    yearly: bool = False
    #: Times of one day, in order.
    times: tuple[dt.time, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        times: tuple[dt.time, ...] = (self.at,)
        if self.cron is not None:
            times = tuple(dt.time(hour, minute) for hour in self.cron.hours for minute in self.cron.minutes)
        object.__setattr__(self, "times", times)

    def fits(self, day: dt.date) -> bool:
        """Whether the schedule fires on a day of the calendar."""
        if self.every == "week":
            return WEEKDAYS[day.weekday()] in self.weekdays
        if self.every == "month":
            return is_relative(day, self.day) if self.day else day.day in self.days
        if self.every == "year":
            return day.month == self.month and (is_relative(day, self.day) if self.day else day.day in self.days)
        return self.cron is None or self.cron.fits(day)


def is_relative(day: dt.date, name: str) -> bool:
    """Whether a day is "last", "first_monday", … of its month."""
    length = calendar.monthrange(day.year, day.month)[1]
    if name == LAST:
        return day.day == length
    ordinal, _sign, weekday = name.partition("_")
    if day.weekday() != DAY_NAMES.index(weekday):
        return False
    if ordinal == "last":
        return day.day + 7 > length
    return (day.day - 1) // 7 + 1 == ORDINALS[ordinal]


def firings(rule: Rule, zone: dt.tzinfo, after: dt.datetime, look_ahead: int = LOOK_AHEAD) -> Iterator[dt.datetime]:
    """The instants after `after` at which a rule fires, each later than the one before.

    `look_ahead`: days without any after which the search ends.
    """
    if rule.every == "once":
        if rule.date is not None and (found := instant_of(rule.date, rule.at, zone)) > after:
            yield found
        return
    # A gap may carry a day's times into the next one, and a zone that skips a whole day makes two days one: so the
    # instants of a day are given out only when no later day can have an earlier one.
    day = moved(after.astimezone(zone).date(), -2)
    waiting: list[dt.datetime] = []
    last, idle = after, 0
    while idle <= look_ahead and day < dt.date.max:
        idle += 1
        if rule.fits(day):
            idle = 0
            for time in rule.times:
                heapq.heappush(waiting, instant_of(day, time, zone))
        day = moved(day, 1)
        settled = dt.datetime.combine(day, MIDNIGHT, dt.UTC) - FARTHEST
        while waiting and waiting[0] < settled:
            found = heapq.heappop(waiting)
            if found > last:
                yield found
                last = found
    for found in sorted(waiting):
        if found > last:
            yield found
            last = found


def next_firing(rule: Rule, zone: dt.tzinfo, after: dt.datetime) -> dt.datetime | None:
    """The first instant after `after`; None when there is none for forty years."""
    return next(firings(rule, zone, after), None)


def days_of(rule: Rule, zone: dt.tzinfo, instant: dt.datetime) -> list[dt.date]:
    """The days of the calendar for which a rule fires at an instant: more than one where a zone skips a whole day."""
    here = instant.astimezone(zone).date()
    around = [moved(here, days) for days in (-1, 0, 1)]
    return [day for day in around if rule.fits(day) and instant in {instant_of(day, at, zone) for at in rule.times}]


def read_cron(text: str) -> Cron:
    """A cron expression of five fields: minute, hour, day of the month, month, weekday.

    Raises ValueError for anything else: seconds, years, nicknames like @daily, and what programs understand
    differently: the signs L, W, # and ?, and ranges that end before they begin (“22-3”).
    """
    parts = text.lower().split()
    if len(parts) != 5:
        raise ValueError(f"{len(parts)} fields instead of five")
    for part in parts:
        names = set(re.findall(r"[a-z]+", part))
        if not CRON_FIELD.fullmatch(part) or not names <= CRON_NAMES:
            raise ValueError(f"{part!r} cannot be read")
        for first, last in CRON_RANGE.findall(part):
            if cron_number(first) > cron_number(last) and first != "sun":
                raise ValueError(f"{first}-{last} ends before it begins")
    minutes, hours, days, months, weekdays = croniter.expand(" ".join(parts))[0]
    return Cron(
        minutes=every_one(minutes, 60),
        hours=every_one(hours, 24),
        days=chosen(days),
        months=chosen(months),
        # Cron begins its week on Sunday.
        weekdays=None if (found := chosen(weekdays)) is None else frozenset((day - 1) % 7 for day in found),
    )


def cron_number(text: str) -> int:
    """The number of a name, or that is written. Raises ValueError for anything else."""
    return CRON_NUMBERS[text] if text in CRON_NUMBERS else int(text)


def every_one(values: list[int | str], count: int) -> tuple[int, ...]:
    found = chosen(values)
    return tuple(range(count)) if found is None else tuple(sorted(found))


def chosen(values: list[int | str]) -> frozenset[int] | None:
    return None if "*" in values else frozenset(int(value) for value in values)
