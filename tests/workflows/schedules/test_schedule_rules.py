"""When schedules fire: every kind in every zone as a calendar of local days has it (P-02, F-07); what is refused."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import FULL, examples
from tests.workflows.wall_clocks import START, TRANSITIONS, ZONES, mapped
from workflows.schedules import rules, words
from workflows.schedules.instants import RELATIVE_DAYS, Rule, days_of, firings, next_firing, read_cron
from workflows.times.wall_time import WEEKDAYS

Fits = Callable[[dt.date], bool]
THREE_YEARS = dt.timedelta(days=1_096)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def rule(**document: Any) -> Rule:
    found, problems = rules.read(document)
    assert found is not None, problems
    return found


def oracle(times: list[dt.time], fits: Fits, zone: str, after: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    """Every wall time of every local day that fits, mapped one by one."""
    day, found = after.date() - dt.timedelta(days=4), set()
    while day < until.date() + dt.timedelta(days=4):
        if fits(day):
            found |= {mapped(day, time, zone) for time in times}
        day += dt.timedelta(days=1)
    return sorted(instant for instant in found if after < instant <= until)


def fired(found: Rule, zone: str, after: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    instants = []
    for instant in firings(found, ZoneInfo(zone), after):
        if instant > until:
            break
        instants.append(instant)
    return instants


def naive_relative(day: dt.date, name: str) -> bool:
    """Written as a person would find it on a calendar: all the days of the month in a row."""
    month = [dt.date(day.year, day.month, number) for number in range(1, 32) if exists(day.year, day.month, number)]
    if name == "last":
        return day == month[-1]
    ordinal, weekday = name.split("_")
    named = [one for one in month if one.strftime("%A").lower() == weekday]
    if ordinal == "last":
        return day == named[-1]
    place = ("first", "second", "third", "fourth", "fifth").index(ordinal)
    return place < len(named) and day == named[place]


def exists(year: int, month: int, day: int) -> bool:
    try:
        return bool(dt.date(year, month, day))
    except ValueError:
        return False


clock_times = st.one_of(
    st.builds(dt.time, st.integers(0, 4), st.sampled_from([0, 1, 15, 30, 45, 59])),
    st.builds(dt.time, st.integers(0, 23), st.integers(0, 59)),
)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Rule, list[dt.time], Fits]:
    """A rule as a definition writes it, with its times of day and a naive answer for its days."""
    at = draw(clock_times)
    document: dict[str, Any] = {"at": at.strftime("%H:%M")}
    every = draw(st.sampled_from(["day", "week", "month", "relative", "year", "yearly_relative", "cron", "property"]))
    if every == "day":
        return rule(every="day", **document), [at], lambda day: True
    if every == "property":
        return rule(every="property", property="close_date", **document), [at], lambda day: True
    if every == "week":
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
        found = rule(every="week", weekdays=days, **document)
        return found, [at], lambda day: day.strftime("%a").lower() in days
    if every == "month":
        listed = draw(st.lists(st.integers(1, 31), min_size=1, max_size=4, unique=True))
        return rule(every="month", days=listed, **document), [at], lambda day: day.day in listed
    name = draw(st.sampled_from(RELATIVE_DAYS))
    if every == "relative":
        return rule(every="month", day=name, **document), [at], lambda day: naive_relative(day, name)
    month = draw(st.integers(1, 12))
    if every == "yearly_relative":
        found = rule(every="year", month=month, day=name, **document)
        return found, [at], lambda day: day.month == month and naive_relative(day, name)
    number = draw(st.integers(1, calendar.monthrange(2000, month)[1]))
    if every == "year":
        found = rule(every="year", month=month, day=number, **document)
        return found, [at], lambda day: (day.month, day.day) == (month, number)
    step = draw(st.sampled_from([6, 12, 24]))
    found = rule(every="cron", cron=f"{at.minute} */{step} * {month} mon-fri")
    times = [dt.time(hour, at.minute) for hour in range(0, 24, step)]
    return found, times, lambda day: day.month == month and day.strftime("%a") not in ("Sat", "Sun")


@pytest.mark.covers("SCH-03", "SCH-04", "SCH-05", "SCH-06", "SCH-07", "SCH-08", "SCH-09", "SCH-26")
@settings(max_examples=examples(50, 6_000), deadline=None)
@given(schedules(), st.sampled_from(ZONES), st.integers(0, 2), st.data())
def test_a_schedule_fires_exactly_when_a_calendar_of_local_days_says_so(
    made: tuple[Rule, list[dt.time], Fits], zone: str, years: int, data: st.DataObject
) -> None:
    found, times, fits = made
    after = START + dt.timedelta(days=365 * years, minutes=data.draw(st.integers(0, 365 * 1_440)))
    if TRANSITIONS[zone] and data.draw(st.booleans()):
        after = data.draw(st.sampled_from(TRANSITIONS[zone])) - dt.timedelta(hours=1)
    until = after + THREE_YEARS
    instants = fired(found, zone, after, until)
    assert instants == oracle(times, fits, zone, after, until)
    assert all(before < later for before, later in pairwise(instants))


@pytest.mark.parametrize("zone", ZONES if FULL else ["Pacific/Apia", "Antarctica/Troll"])
def test_every_quarter_of_an_hour_of_many_years_is_there_once(zone: str) -> None:
    found = rule(every="cron", cron="*/15 * * * *")
    times = [dt.time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]
    after = START if FULL else dt.datetime(2011, 3, 1, tzinfo=dt.UTC)
    until = after + dt.timedelta(days=20 * 365 if FULL else 310)
    assert fired(found, zone, after, until) == oracle(times, lambda day: True, zone, after, until)


#: (zone, time, the days before and after, instant): the table F-07 as daily schedules see it, and its other season.
CLOCK_CHANGES = [
    ("America/New_York", "02:30", "2027-03-14", "2027-03-14T07:30"),
    ("America/New_York", "01:30", "2027-11-07", "2027-11-07T05:30"),
    ("Europe/Berlin", "02:30", "2027-03-28", "2027-03-28T01:30"),
    ("Europe/Berlin", "02:30", "2027-10-31", "2027-10-31T00:30"),
    ("Australia/Lord_Howe", "02:15", "2027-10-03", "2027-10-02T15:45"),
    ("Australia/Lord_Howe", "01:45", "2027-04-04", "2027-04-03T14:45"),
    ("Africa/Cairo", "00:15", "2027-04-30", "2027-04-29T22:15"),
    ("America/Santiago", "00:00", "2027-09-05", "2027-09-05T04:00"),
    ("Asia/Beirut", "00:00", "2027-03-28", "2027-03-27T22:00"),
    ("Antarctica/Troll", "02:00", "2027-03-28", "2027-03-28T02:00"),
]


@pytest.mark.parametrize(("zone", "at", "day", "instant"), CLOCK_CHANGES)
def test_clocks_set_anew_neither_skip_a_day_nor_fire_twice(zone: str, at: str, day: str, instant: str) -> None:
    expected = dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)
    before = expected - dt.timedelta(hours=36)
    instants = list(islice(firings(rule(every="day", at=at), ZoneInfo(zone), before), 3))
    assert expected in instants
    assert [one.astimezone(ZoneInfo(zone)).date() for one in instants] == [
        dt.date.fromisoformat(day) + dt.timedelta(days=days) for days in (-1, 0, 1)
    ]
    assert days_of(rule(every="day", at=at), ZoneInfo(zone), expected) == [dt.date.fromisoformat(day)]


def test_a_zone_that_skips_a_day_fires_once_for_both_of_them() -> None:
    zone = ZoneInfo("Pacific/Apia")
    found = rule(every="property", property="close_date", at="09:00")
    (instant,) = islice(firings(found, zone, dt.datetime(2011, 12, 30, tzinfo=dt.UTC)), 1)
    assert instant == dt.datetime(2011, 12, 30, 19, tzinfo=dt.UTC)
    assert days_of(found, zone, instant) == [dt.date(2011, 12, 30), dt.date(2011, 12, 31)]


@pytest.mark.covers("SCH-08", "SCH-09")
def test_days_a_month_does_not_have_are_left_out() -> None:
    utc, after = ZoneInfo("UTC"), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    monthly = rule(every="month", days=[31], at="08:00")
    assert [one.month for one in islice(firings(monthly, utc, after), 7)] == [1, 3, 5, 7, 8, 10, 12]
    leap = rule(every="year", month=2, day=29, at="08:00")
    assert [one.year for one in islice(firings(leap, utc, after), 3)] == [2028, 2032, 2036]
    # 2100 is no leap year: eight years lie between two of them.
    assert next_firing(leap, utc, dt.datetime(2096, 3, 1, tzinfo=dt.UTC)) == dt.datetime(2104, 2, 29, 8, tzinfo=dt.UTC)


def test_a_fifth_monday_of_february_is_waited_for_however_many_years() -> None:
    rare, utc = rule(every="year", month=2, day="fifth_monday", at="08:00"), ZoneInfo("UTC")
    assert [one.year for one in islice(firings(rare, utc, dt.datetime(2027, 1, 1, tzinfo=dt.UTC)), 2)] == [2044, 2072]
    late = dt.datetime(2072, 3, 1, tzinfo=dt.UTC)
    assert next_firing(rare, utc, late) == dt.datetime(2112, 2, 29, 8, tzinfo=dt.UTC)


@pytest.mark.covers("SCH-23")
def test_once_is_once_however_far_away() -> None:
    found, utc = rule(every="once", date="2061-07-28", at="08:00"), ZoneInfo("UTC")
    instant = dt.datetime(2061, 7, 28, 8, tzinfo=dt.UTC)
    assert list(firings(found, utc, dt.datetime(2027, 1, 1, tzinfo=dt.UTC))) == [instant]
    assert next_firing(found, utc, instant) is None


def test_a_day_of_the_month_or_a_weekday_is_enough_for_cron() -> None:
    found = read_cron("0 9 13 * fri")
    assert found.fits(dt.date(2026, 11, 13)) and found.fits(dt.date(2026, 11, 20)) and found.fits(dt.date(2027, 1, 13))
    assert not found.fits(dt.date(2026, 11, 19))
    assert read_cron("0 9 * * 0").weekdays == read_cron("0 9 * * 7").weekdays == frozenset([6])


def test_ranges_of_cron_go_forward_and_a_week_may_end_on_sunday() -> None:
    for text in ("0 22-3 * * *", "30-10 9 * * *", "0 9 28-2 * *", "0 9 * nov-feb *", "0 9 * * 5-1", "0 9 * * fri-mon"):
        with pytest.raises(ValueError, match="ends before it begins"):
            read_cron(text)
    assert read_cron("0 9 * * sat-sun").weekdays == read_cron("0 9 * * 6-7").weekdays == frozenset([5, 6])
    assert read_cron("0 9 * * sun-tue").weekdays == frozenset([6, 0, 1])
    assert read_cron("0 22-23,0-3 * * *").hours == (0, 1, 2, 3, 22, 23)


def test_a_cron_expression_that_never_fires_ends_its_search() -> None:
    assert next_firing(rule(every="cron", cron="0 9 30 2 *"), ZoneInfo("UTC"), START) is None


REFUSED = [
    ({}, "every"),
    ({"every": "hour"}, "every"),
    ({"every": "day"}, "at"),
    ({"every": "day", "at": "9"}, "at"),
    ({"every": "day", "at": "24:00"}, "at"),
    ({"every": "day", "at": "09:00", "weekdays": ["mon"]}, "weekdays"),
    ({"every": "day", "at": "09:00", "timezone": "Mars/Olympus"}, "timezone"),
    ({"every": "day", "at": "09:00", "timezone": "right/UTC"}, "timezone"),
    ({"every": "day", "at": "09:00", "timezone": "localtime"}, "timezone"),
    ({"every": "week", "at": "09:00"}, "weekdays"),
    ({"every": "week", "at": "09:00", "weekdays": ["monday"]}, "weekdays"),
    ({"every": "month", "at": "09:00", "days": [0]}, "days"),
    ({"every": "month", "at": "09:00", "days": [True]}, "days"),
    ({"every": "month", "at": "09:00", "day": "sixth_monday"}, "day"),
    ({"every": "month", "at": "09:00", "day": "last", "days": [1]}, "day"),
    ({"every": "year", "at": "09:00", "month": 2, "day": 30}, "day"),
    ({"every": "year", "at": "09:00", "month": 13, "day": 3}, "month"),
    ({"every": "once", "at": "09:00", "date": "2027-02-29"}, "date"),
    ({"every": "property", "at": "09:00", "property": 7}, "property"),
    ({"every": "property", "at": "09:00", "property": "close_date", "offset_days": 1.5}, "offset_days"),
    ({"every": "property", "at": "09:00", "property": "close_date", "yearly": "yes"}, "yearly"),
    *(
        ({"every": "cron", "cron": text}, "cron")
        for text in (
            "", None, 5, "* * * *", "* * * * * *", "@daily", "60 * * * *", "0 9 L * *", "0 9 * * 1#2", "H 9 * * *",
            "R 9 * * *", "0 9 ? * ?", "0 9 * jon *", "0 9 " + "1," * 900 + "1 * x",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "path"), REFUSED)
def test_what_is_no_schedule_is_refused_where_it_is_wrong(document: dict[str, Any], path: str) -> None:
    found, problems = rules.read(document, {})
    assert found is None and path in [problem.path for problem in problems]
    assert all(problem.message for problem in problems)


SENTENCES = [
    ({"every": "once", "date": "2027-05-01", "at": "09:00"}, "Once, on May 1, 2027 at 9 a.m."),
    ({"every": "day", "at": "09:30"}, "Every day at 9:30 a.m."),
    ({"every": "week", "weekdays": ["fri", "mon"], "at": "09:00"}, "Every week on Monday and Friday at 9 a.m."),
    ({"every": "month", "days": [31], "at": "09:00"}, "Every month on day 31 at 9 a.m."),
    ({"every": "month", "days": [15, 1], "at": "09:00"}, "Every month on days 1 and 15 at 9 a.m."),
    ({"every": "month", "day": "last", "at": "09:00"}, "Every month on the last day at 9 a.m."),
    ({"every": "month", "day": "third_friday", "at": "09:00"}, "Every month on the third Friday at 9 a.m."),
    ({"every": "year", "month": 2, "day": 29, "at": "09:00"}, "Every year on February 29 at 9 a.m."),
    ({"every": "year", "month": 7, "day": "last_friday", "at": "09:00"},
     "Every year on the last Friday of July at 9 a.m."),
    ({"every": "cron", "cron": "0 9 * * 1-5"}, "By the cron expression X"),
    ({"every": "property", "property": "close_date", "at": "09:00"}, "On the day of X at 9 a.m."),
    ({"every": "property", "property": "close_date", "offset_days": -3, "at": "09:00"}, "3 days before X at 9 a.m."),
    ({"every": "property", "property": "close_date", "offset_days": 1, "at": "09:00", "yearly": True},
     "Every year 1 day after X at 9 a.m."),
]  # fmt: skip


@pytest.mark.parametrize(("document", "sentence"), SENTENCES)
def test_a_schedule_says_when_it_fires(document: dict[str, Any], sentence: str) -> None:
    assert words.sentence(rule(**document), "X") == sentence


def test_relative_days_are_as_a_calendar_has_them() -> None:
    first = dt.date(2026, 1, 1)
    for number in range(366):
        day = first + dt.timedelta(days=number)
        for name in RELATIVE_DAYS:
            assert Rule("month", day=name).fits(day) == naive_relative(day, name)
