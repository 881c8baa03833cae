"""Every kind of schedule in sixty zones over three years, day by day, against a calendar that knows one thing only.

It reads local clocks off instants and never asks for the instant of a local time, so nothing is decided for it where
clocks are set anew (P-02): by its own rule a time that comes twice counts the first time, one that does not come is
as much later as the clocks were put forward.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.examples import FULL
from tests.workflows.schedules.test_schedule_rules import fired, naive_relative, rule
from tests.workflows.wall_clocks import ZONES

#: With a leap day, and for a while before it and after it.
AFTER = dt.datetime(2026, 11, 22, 10, 7, tzinfo=dt.UTC)
YEARS = dt.timedelta(days=3 * 365 + 1)
HOUR = dt.timedelta(hours=1)
Fits = Callable[[dt.date], bool]

#: By name: the schedule, its times of day, and which days it means, as a person would tell them.
KINDS: dict[str, tuple[dict[str, Any], list[str], Fits]] = {
    "once": ({"every": "once", "date": "2027-03-28", "at": "02:30"}, ["02:30"], lambda day: str(day) == "2027-03-28"),
    "daily at night": ({"every": "day", "at": "02:30"}, ["02:30"], lambda day: True),
    "daily at midnight": ({"every": "day", "at": "00:00"}, ["00:00"], lambda day: True),
    "weekly": (
        {"every": "week", "weekdays": ["sun", "mon"], "at": "01:30"}, ["01:30"],
        lambda day: day.strftime("%A") in ("Sunday", "Monday"),
    ),
    "on the 31st": ({"every": "month", "days": [31], "at": "08:00"}, ["08:00"], lambda day: day.day == 31),
    "on the 1st and 29th": (
        {"every": "month", "days": [1, 29], "at": "02:15"}, ["02:15"], lambda day: day.day in (1, 29),
    ),
    "on the last day": (
        {"every": "month", "day": "last", "at": "23:59"}, ["23:59"],
        lambda day: (day + dt.timedelta(days=1)).day == 1,
    ),
    "on the first Monday": (
        {"every": "month", "day": "first_monday", "at": "09:00"}, ["09:00"],
        lambda day: day.strftime("%A") == "Monday" and day.day <= 7,
    ),
    "on the last Sunday": (
        {"every": "month", "day": "last_sunday", "at": "02:30"}, ["02:30"],
        lambda day: day.strftime("%A") == "Sunday" and (day + dt.timedelta(days=7)).month != day.month,
    ),
    "on the fifth Friday": (
        {"every": "month", "day": "fifth_friday", "at": "09:00"}, ["09:00"],
        lambda day: naive_relative(day, "fifth_friday"),
    ),
    "on 29 February": (
        {"every": "year", "month": 2, "day": 29, "at": "08:00"}, ["08:00"], lambda day: str(day)[5:] == "02-29",
    ),
    "yearly by name": (
        {"every": "year", "month": 3, "day": "second_sunday", "at": "02:30"}, ["02:30"],
        lambda day: day.month == 3 and naive_relative(day, "second_sunday"),
    ),
    "by cron": (
        {"every": "cron", "cron": "30 */6 * * *"}, ["00:30", "06:30", "12:30", "18:30"], lambda day: True,
    ),
    "by a date property": (
        {"every": "property", "property": "close_date", "at": "02:45"}, ["02:45"], lambda day: True,
    ),
}  # fmt: skip


@functools.cache
def offset_at(instant: dt.datetime, zone: str) -> dt.timedelta:
    found = instant.astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return found


def comes_at(day: dt.date, time: dt.time, zone: str) -> dt.datetime:
    """When local clocks show a time of a day: the first of the instants, or as much later as there is none."""
    wall = dt.datetime.combine(day, time, dt.UTC)
    around = [wall.replace(minute=0) + hours * HOUR for hours in range(-40, 41, 8)]
    offsets = {offset_at(instant, zone) for instant in around}
    showing = sorted(wall - offset for offset in offsets if offset_at(wall - offset, zone) == offset)
    if showing:
        return showing[0]
    # Clocks were put forward over it: by the clocks of before it would have come then.
    before = max(instant for instant in around if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=dt.UTC) < wall)
    return wall - offset_at(before, zone)


def calendar_of(times: list[str], fits: Fits, zone: str) -> list[dt.datetime]:
    days = [AFTER.date() + dt.timedelta(days=number) for number in range(-3, YEARS.days + 3)]
    found = {comes_at(day, dt.time.fromisoformat(time), zone) for day in days if fits(day) for time in times}
    return sorted(instant for instant in found if AFTER < instant <= AFTER + YEARS)


@pytest.mark.covers("SCH-03", "SCH-04", "SCH-05", "SCH-06", "SCH-07", "SCH-08", "SCH-09", "SCH-23", "SCH-26")
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_fires_on_its_days_in_every_zone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    document, times, fits = KINDS[name]
    zones = ZONES if FULL else ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"]
    number = 0
    for zone in zones:
        instants = fired(rule(**document), zone, AFTER, AFTER + YEARS)
        assert instants == calendar_of(times, fits, zone), zone
        assert instants and all(before < later for before, later in pairwise(instants)), zone
        number += len(instants)
    if FULL:
        with capsys.disabled():
            sys.stdout.write(f"\n{name}: {number:,} instants in {len(zones)} zones over 3 years\n")
