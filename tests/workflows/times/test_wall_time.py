"""Wall times and instants: gaps, overlaps, and the next time something is on the wall (F-07, P-02, P-03)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import FULL, examples
from tests.workflows.wall_clocks import START, TRANSITIONS, ZONES, every_time, mapped, moments, times
from workflows.times.wall_time import (
    EARLIEST,
    LATEST,
    WEEKDAYS,
    days_later,
    instant_of,
    next_time,
    next_time_of_day,
    next_weekday,
    time_of,
    workflow_zone,
    zone_named,
)

thorough = settings(max_examples=examples(200, 10_000), deadline=None)

#: (zone, date and wall time, instant): gaps move by the gap, overlaps are the first time. Both directions, and in the
#: other half of the year where nothing is special.
INSTANTS = [
    ("America/New_York", "2027-03-14T02:30", "2027-03-14T07:30"),
    ("America/New_York", "2027-03-14T03:30", "2027-03-14T07:30"),
    ("America/New_York", "2027-03-14T01:59", "2027-03-14T06:59"),
    ("America/New_York", "2027-11-07T01:30", "2027-11-07T05:30"),
    ("America/New_York", "2027-11-07T02:30", "2027-11-07T07:30"),
    ("America/New_York", "2027-09-14T02:30", "2027-09-14T06:30"),
    ("America/New_York", "2027-01-07T01:30", "2027-01-07T06:30"),
    ("Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:30"),
    ("Europe/Berlin", "2027-10-31T02:30", "2027-10-31T00:30"),
    ("Europe/Berlin", "2027-09-28T02:30", "2027-09-28T00:30"),
    ("Europe/Berlin", "2027-04-30T02:30", "2027-04-30T00:30"),
    ("Europe/Berlin", "2027-12-31T02:30", "2027-12-31T01:30"),
    ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02T15:45"),
    ("Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-03T14:45"),
    ("Australia/Lord_Howe", "2027-04-03T02:15", "2027-04-02T15:15"),
    ("Australia/Lord_Howe", "2027-10-04T01:45", "2027-10-03T14:45"),
    ("Australia/Lord_Howe", "2027-07-03T02:15", "2027-07-02T15:45"),
    ("Africa/Cairo", "2027-04-30T00:15", "2027-04-29T22:15"),
    ("Africa/Cairo", "2027-10-28T23:15", "2027-10-28T20:15"),
    ("Africa/Cairo", "2027-10-30T00:15", "2027-10-29T22:15"),
    ("America/Santiago", "2027-09-05T00:00", "2027-09-05T04:00"),
    ("America/Santiago", "2027-04-03T23:30", "2027-04-04T02:30"),
    ("America/Santiago", "2027-03-05T00:00", "2027-03-05T03:00"),
    ("Asia/Beirut", "2027-03-28T00:00", "2027-03-27T22:00"),
    ("Asia/Beirut", "2027-10-30T23:30", "2027-10-30T20:30"),
    ("Asia/Beirut", "2027-09-28T00:00", "2027-09-27T21:00"),
    ("Antarctica/Troll", "2027-03-28T02:00", "2027-03-28T02:00"),
    ("Antarctica/Troll", "2027-10-31T01:30", "2027-10-30T23:30"),
    ("Antarctica/Troll", "2027-09-28T02:00", "2027-09-28T00:00"),
    ("Africa/Casablanca", "2027-02-07T02:30", "2027-02-07T01:30"),
    ("Africa/Casablanca", "2027-03-14T02:30", "2027-03-14T02:30"),
    ("Africa/Casablanca", "2027-08-07T02:30", "2027-08-07T01:30"),
    ("Europe/Dublin", "2027-03-28T01:30", "2027-03-28T01:30"),
    ("Europe/Dublin", "2027-10-31T01:30", "2027-10-31T00:30"),
    ("Europe/Dublin", "2027-12-31T01:30", "2027-12-31T01:30"),
    ("Asia/Kolkata", "2027-03-28T02:30", "2027-03-27T21:00"),
    ("Asia/Kolkata", "2027-10-31T02:30", "2027-10-30T21:00"),
    ("Pacific/Apia", "2011-12-29T09:00", "2011-12-29T19:00"),
    ("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00"),
    ("Pacific/Apia", "2011-12-31T09:00", "2011-12-30T19:00"),
]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(("name", "wall", "expected"), INSTANTS)
def test_a_wall_time_means_this_instant(name: str, wall: str, expected: str) -> None:
    moment = dt.datetime.fromisoformat(wall)
    zone = ZoneInfo(name)
    assert instant_of(moment.date(), moment.time(), zone) == utc(expected)
    # Asked the evening before, and asked at that very instant, the next time of day is this one, and comes once.
    found = next_time_of_day(utc(expected) - dt.timedelta(minutes=1), moment.time(), zone)
    assert found == utc(expected) == next_time_of_day(found, moment.time(), zone)
    after = next_time_of_day(found + dt.timedelta(seconds=1), moment.time(), zone)
    assert dt.timedelta(hours=21) < after - found < dt.timedelta(hours=49)


@given(moment=moments(), time=times)
@thorough
def test_an_instant_shows_its_wall_time_and_no_earlier_one_does(
    moment: tuple[dt.datetime, str], time: dt.time
) -> None:
    now, name = moment
    zone, day = ZoneInfo(name), now.date()
    found = instant_of(day, time, zone)
    wanted = dt.datetime.combine(day, time)
    shown = found.astimezone(zone).replace(tzinfo=None)
    minutes = (found + dt.timedelta(minutes=number) for number in range(-1_560, 1_560, 15))
    showing = [one for one in minutes if one.astimezone(zone).replace(tzinfo=None) == wanted]
    if showing:
        assert found == min(showing)
        return
    # Nothing ever shows it: it has moved by as much as the clocks were set forward.
    before, after = ((found + dt.timedelta(days=days)).astimezone(zone).utcoffset() for days in (-1.5, 1.5))
    assert before is not None and after is not None
    assert shown - wanted == after - before > dt.timedelta()


@given(moment=moments(), time=times)
@thorough
@pytest.mark.covers("DLY-12")
def test_the_next_time_of_day_is_the_first_of_all_that_come(moment: tuple[dt.datetime, str], time: dt.time) -> None:
    now, name = moment
    assert next_time_of_day(now, time, ZoneInfo(name)) == every_time(now, time, name, lambda day: True, 4)[0]


@given(moment=moments(), time=st.none() | times, days=st.sets(st.sampled_from(WEEKDAYS), min_size=1))
@thorough
@pytest.mark.covers("DLY-11")
def test_the_next_weekday_is_the_first_of_all_that_come(
    moment: tuple[dt.datetime, str], time: dt.time | None, days: set[str]
) -> None:
    now, name = moment

    def fits(day: dt.date) -> bool:
        return f"{day:%a}".lower() in days

    found = next_weekday(now, days, time, ZoneInfo(name))
    if time is None and fits(now.astimezone(ZoneInfo(name)).date()):
        assert found == now
    else:
        assert found == every_time(now, time or dt.time(), name, fits, 11)[0]


@given(moment=moments(), offset=st.integers(-800, 800))
@thorough
@pytest.mark.covers("DLY-03")
def test_days_later_it_is_the_same_time_of_day(moment: tuple[dt.datetime, str], offset: int) -> None:
    now, name = moment
    local = now.astimezone(ZoneInfo(name))
    expected = mapped(local.date() + dt.timedelta(days=offset), local.time().replace(fold=0), name) if offset else now
    assert days_later(now, offset, ZoneInfo(name)) == expected


@pytest.mark.parametrize("name", ZONES)
def test_over_the_years_a_time_of_day_comes_once_a_day_and_always_later(name: str) -> None:
    zone = ZoneInfo(name)
    every_run = [dt.time(0, 0), dt.time(2, 30)]
    for time in [*every_run, dt.time(1, 30), dt.time(23, 30)] if FULL else every_run:
        samoa = name == "Pacific/Apia"
        years = [(START + dt.timedelta(days=3 * 366 * number)) for number in range(7 if FULL or samoa else 1)]
        for here in years:
            end = here + dt.timedelta(days=3 * 366)
            came: list[dt.datetime] = []
            while here < end:
                came.append(next_time_of_day(here, time, zone))
                here = came[-1] + dt.timedelta(microseconds=1)
            assert came == sorted(set(came))
            shown = [instant.astimezone(zone) for instant in came]
            days = [local.date() for local in shown if local.time() == time]
            assert len(set(days)) == len(days) > 1_000
            # No day is left out but the one Samoa never had.
            left_out = (shown[-1].date() - shown[0].date()).days + 1 - len(shown)
            assert left_out == (samoa and shown[0].year < 2012)


def test_a_time_that_is_skipped_at_the_end_of_a_day_comes_early_on_the_next_one() -> None:
    # In Nuuk it is midnight after 22:59 on this Saturday.
    nuuk = ZoneInfo("America/Nuuk")
    midnight = dt.datetime(2027, 3, 28, 0, 0, tzinfo=nuuk).astimezone(dt.UTC)
    assert (midnight - dt.timedelta(minutes=1)).astimezone(nuuk).time() == dt.time(22, 59)
    for minutes in (-30, 0, 10):
        found = next_time_of_day(midnight + dt.timedelta(minutes=minutes), dt.time(23, 30), nuuk)
        assert found == midnight + dt.timedelta(minutes=30)


def test_the_zones_of_these_tests_change_their_clocks_in_every_manner() -> None:
    assert len(ZONES) == len(set(ZONES)) == 60
    assert sum(bool(found) for found in TRANSITIONS.values()) > 40


def test_a_search_for_a_day_ends_when_none_fits() -> None:
    now = utc("2027-03-01T09:00")
    assert next_time(now, dt.time(9), ZoneInfo("Europe/Berlin"), lambda day: False, 10) is None
    assert next_weekday(now, [], dt.time(9), ZoneInfo("Europe/Berlin")) is None
    # On the last day that is looked at one is found.
    assert next_time(now, dt.time(9), dt.UTC, lambda day: day == dt.date(2027, 3, 11), 10) == utc("2027-03-11T09:00")


def test_the_ends_of_the_calendar_are_no_errors() -> None:
    for name in ZONES:
        zone = ZoneInfo(name)
        assert instant_of(dt.date.max, dt.time(23, 59), zone) == LATEST
        assert instant_of(dt.date.min, dt.time(), zone) == EARLIEST
        assert days_later(LATEST, 3_650, zone) == LATEST
        assert days_later(EARLIEST, -3_650, zone) == EARLIEST
        assert LATEST.astimezone(zone).year == 9999 and EARLIEST.astimezone(zone).year == 1


def test_zones_and_times_are_known_by_their_names() -> None:
    assert zone_named("Europe/Stockholm") == ZoneInfo("Europe/Stockholm")
    for name in ("", "Mars/Base", "Europe", "../../etc/passwd", "/etc/localtime", "Europe/Stockholm\0", "x" * 5_000):
        assert zone_named(name) is None
    assert (time_of("09:05"), time_of("23:59")) == (dt.time(9, 5), dt.time(23, 59))
    for wrong in ("9:05", "24:00", "09:60", "09:05:00", "", None, 905, "٠٩:٠٥", " 09:05"):
        assert time_of(wrong) is None


@pytest.mark.covers("SET-08")
def test_a_workflow_without_a_zone_follows_the_account(settings) -> None:  # type: ignore[no-untyped-def]
    settings.TIME_ZONE = "America/New_York"
    assert workflow_zone({}) == workflow_zone({"timezone": None}) == ZoneInfo("America/New_York")
    assert workflow_zone({"timezone": "Europe/Stockholm"}) == ZoneInfo("Europe/Stockholm")
