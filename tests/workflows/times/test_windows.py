"""Execution windows and pause dates: what they permit, and when something opens (P-03, SET-02 to SET-08)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.workflows.wall_clocks import local_days, mapped, moments
from workflows.definitions import checking
from workflows.definitions.definition import Definition, Trigger
from workflows.definitions.parsing import parse
from workflows.times.permitted_times import read_windows
from workflows.times.wall_time import WEEKDAYS
from workflows.times.windows import Closed, closed_at, closing

Span = tuple[dt.datetime, dt.datetime]
WORKDAYS = [{"days": list(WEEKDAYS[:5]), "from": "09:00", "to": "17:00"}]


def definition(kind: str = "manual", **found: Any) -> Definition:
    steps = [{"id": "s", "action": "end"}]
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps, "settings": found}
    parsed = parse(document)
    return parsed if kind == "manual" else Definition(**{**vars(parsed), "trigger": Trigger(kind, {"kind": kind})})


def stockholm(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Stockholm"))


def closed(now: str, windows: Any = (), pause_dates: Any = ()) -> tuple[str, str, int] | None:
    """When it opens, shown in Stockholm, why it is closed, and the seconds of spreading."""
    found = definition(timezone="Europe/Stockholm", windows=list(windows), pause_dates=list(pause_dates))
    answer = closed_at(found, stockholm(now).astimezone(dt.UTC))
    if answer is None:
        return None
    opens = answer.until.astimezone(ZoneInfo("Europe/Stockholm")).replace(tzinfo=None)
    return f"{opens:%a} {opens.isoformat(timespec='minutes')}", answer.reason, answer.spread


@pytest.mark.covers("SET-02")
def test_without_settings_any_time_is_permitted_and_with_a_window_only_what_lies_in_it() -> None:
    assert closed("2027-11-27T03:00") is None
    assert closed("2027-11-26T09:00", WORKDAYS) is None
    assert closed("2027-11-26T16:59:59", WORKDAYS) is None
    assert closed("2027-11-26T08:59", WORKDAYS) == ("Fri 2027-11-26T09:00", "outside_window", 900)
    assert closed("2027-11-26T17:00", WORKDAYS) == ("Mon 2027-11-29T09:00", "outside_window", 900)
    assert closed("2027-11-27T12:00", WORKDAYS) == ("Mon 2027-11-29T09:00", "outside_window", 900)


def test_several_windows_of_a_day_are_heeded_and_those_that_touch_are_one() -> None:
    lunch = [{"days": ["fri"], "from": "09:00", "to": "12:00"}, {"days": ["fri"], "from": "13:00", "to": "13:05"}]
    assert closed("2027-11-26T12:30", lunch) == ("Fri 2027-11-26T13:00", "outside_window", 300)
    touching = [*lunch, {"days": ["fri"], "from": "13:05", "to": "17:00"}]
    assert closed("2027-11-26T12:30", touching) == ("Fri 2027-11-26T13:00", "outside_window", 900)
    night = [{"days": ["fri"], "from": "22:00", "to": "24:00"}, {"days": ["sat"], "from": "00:00", "to": "06:00"}]
    assert closed("2027-11-26T23:59:59", night) is None and closed("2027-11-27T00:00", night) is None
    assert closed("2027-11-27T06:00", night) == ("Fri 2027-12-03T22:00", "outside_window", 900)


@pytest.mark.covers("SET-03")
def test_what_comes_outside_is_spread_over_fifteen_minutes_evenly_and_always_alike() -> None:
    until = stockholm("2027-11-29T09:00")
    opening = Closed(until, "outside_window", 900)
    waits = [int((opening.opens_for(pk) - until).total_seconds()) for pk in range(5_000_000, 5_009_000)]
    assert min(waits) >= 0 and max(waits) < 900
    per_minute = [sum(minute == wait // 60 for wait in waits) for minute in range(15)]
    assert min(per_minute) > 550 and max(per_minute) < 650
    assert opening.opens_for(5_000_007) == Closed(until, "outside_window", 900).opens_for(5_000_007)
    # Never beyond the end of a window that is shorter.
    assert max(Closed(until, "outside_window", 300).opens_for(pk) for pk in range(2_000)) < until + dt.timedelta(
        minutes=5
    )


@pytest.mark.covers("SET-05", "SET-06")
def test_on_a_pause_date_within_the_hours_the_next_permitted_day_has_the_same_time() -> None:
    pauses = ["2027-12-24", {"from": "2027-12-25", "to": "2027-12-26"}]
    # Christmas Eve is a Friday: within the hours it is Monday at the same time, not Monday morning.
    assert closed("2027-12-24T10:17", WORKDAYS, pauses) == ("Mon 2027-12-27T10:17", "pause_date", 0)
    assert closed("2027-12-23T10:17", WORKDAYS, pauses) is None
    assert closed("2027-12-27T10:17", WORKDAYS, pauses) is None
    # Without windows all hours are permitted.
    assert closed("2027-12-24T23:40", (), pauses) == ("Mon 2027-12-27T23:40", "pause_date", 0)


@pytest.mark.covers("SET-06")
def test_on_a_pause_date_outside_the_hours_the_next_permitted_day_begins_with_its_hours() -> None:
    assert closed("2027-12-24T07:00", WORKDAYS, ["2027-12-24"]) == ("Mon 2027-12-27T09:00", "pause_date", 900)
    assert closed("2027-12-24T18:00", WORKDAYS, ["2027-12-24"]) == ("Mon 2027-12-27T09:00", "pause_date", 900)
    # A Saturday has no hours at all.
    assert closed("2027-12-25T10:00", WORKDAYS, ["2027-12-25"]) == ("Mon 2027-12-27T09:00", "pause_date", 900)
    # Outside the hours of a day like any other, pause dates are passed over as well.
    assert closed("2027-12-23T18:00", WORKDAYS, ["2027-12-24"]) == ("Mon 2027-12-27T09:00", "outside_window", 900)
    # Where the next permitted day has shorter hours than the time of day, it begins with those.
    short = [{"days": ["fri"], "from": "09:00", "to": "17:00"}, {"days": ["sat"], "from": "10:00", "to": "12:00"}]
    assert closed("2027-12-24T15:00", short, ["2027-12-24"]) == ("Sat 2027-12-25T10:00", "pause_date", 900)
    assert closed("2027-12-24T11:00", short, ["2027-12-24"]) == ("Sat 2027-12-25T11:00", "pause_date", 0)


@pytest.mark.covers("SET-07")
def test_a_pause_date_without_a_year_comes_back_every_year() -> None:
    for year in (2027, 2028, 2041):
        assert closed(f"{year}-12-25T10:00", (), [{"date": "12-25"}]) is not None
        assert closed(f"{year}-12-25T10:00", (), ["12-25"]) is not None
        assert closed(f"{year}-12-26T10:00", (), ["12-25"]) is None
        # Also a range, over the end of the year.
        for day, paused in (("12-30", False), ("12-31", True), ("01-01", True), ("01-02", True), ("01-03", False)):
            answer = closed(f"{year}-{day}T10:00", (), [{"from": "12-31", "to": "01-02"}])
            assert (answer is not None) == paused
    assert closed("2027-02-28T10:00", (), ["02-29"]) is closed("2027-03-01T10:00", (), ["02-29"]) is None
    assert closed("2028-02-29T10:00", (), ["02-29"]) == ("Wed 2028-03-01T10:00", "pause_date", 0)
    assert closed("2028-12-25T10:00", (), ["2027-12-25"]) is None


@pytest.mark.covers("SET-02")
def test_a_scheduled_workflow_heeds_pause_dates_but_no_windows() -> None:
    found = definition("schedule", windows=WORKDAYS, pause_dates=["2027-12-24"])
    assert closed_at(found, stockholm("2027-12-25T03:00")) is None
    opens = closed_at(found, stockholm("2027-12-24T10:00"))
    assert opens is not None and opens.until == stockholm("2027-12-25T10:00")


@pytest.mark.covers("SET-08")
def test_the_times_are_those_of_the_workflows_zone_or_the_accounts(settings) -> None:  # type: ignore[no-untyped-def]
    now = dt.datetime(2027, 11, 26, 13, 0, tzinfo=dt.UTC)
    assert closed_at(definition(windows=WORKDAYS, timezone="Europe/Stockholm"), now) is None
    settings.TIME_ZONE = "America/New_York"
    closed = closed_at(definition(windows=WORKDAYS), now)
    assert closed is not None and closed.until == dt.datetime(2027, 11, 26, 14, 0, tzinfo=dt.UTC)


def test_windows_follow_the_clocks_when_they_are_set_anew() -> None:
    night = [{"days": ["sun"], "from": "02:15", "to": "02:45"}]
    # The hour from 2 to 3 is left out: the window moves by it.
    assert closed("2027-03-28T01:59", night) == ("Sun 2027-03-28T03:15", "outside_window", 900)
    # It comes twice: the window is the first time.
    first = dt.datetime(2027, 10, 31, 0, 30, tzinfo=dt.UTC)
    found = definition(timezone="Europe/Stockholm", windows=night)
    assert closed_at(found, first) is None
    again = closed_at(found, first + dt.timedelta(hours=1))
    assert again is not None and again.until == stockholm("2027-11-07T02:15")


def test_a_window_and_a_pause_date_end_with_their_day_also_when_clocks_are_set_anew_at_midnight() -> None:
    # In Nuuk it is midnight after 22:59 on this Saturday, so five minutes of the window are left.
    nuuk = definition(timezone="America/Nuuk", windows=[{"days": ["sat"], "from": "22:55", "to": "23:30"}])
    opens = dt.datetime(2027, 3, 27, 22, 55, tzinfo=ZoneInfo("America/Nuuk"))
    assert closed_at(nuuk, opens - dt.timedelta(hours=1)) == Closed(opens, "outside_window", 300)
    assert closed_at(nuuk, opens) is None
    late = closed_at(nuuk, opens + dt.timedelta(minutes=5))
    assert late is not None and late.until == dt.datetime(2027, 4, 3, 22, 55, tzinfo=ZoneInfo("America/Nuuk"))
    # In Saint John's it was 23:01 on the 6th again after 00:00 on the 7th: that hour belongs to the 7th.
    johns = definition(timezone="America/St_Johns", pause_dates=["2010-11-07"])
    midnight = dt.datetime(2010, 11, 7, 2, 30, tzinfo=dt.UTC)
    assert closed_at(johns, midnight - dt.timedelta(minutes=1)) is None
    for minutes in (0, 30, 90, 24 * 60):
        paused = closed_at(johns, midnight + dt.timedelta(minutes=minutes))
        assert paused is not None and paused.reason == "pause_date"
    assert closed_at(johns, midnight + dt.timedelta(hours=25)) is None


def test_no_search_is_endless_even_where_nothing_is_permitted_for_years() -> None:
    years = [{"from": "2027-01-01", "to": "2098-12-31"}]
    found = definition(pause_dates=years, windows=WORKDAYS)
    answer = closed_at(found, dt.datetime(2027, 6, 1, 10, tzinfo=dt.UTC))
    assert answer == Closed(dt.datetime(2030, 6, 1, tzinfo=dt.UTC), "never_permitted")
    # Nearly every day of the year, on Mondays only: a day is left after some years.
    rare = definition(pause_dates=[{"from": "03-02", "to": "02-28"}], windows=[WORKDAYS[0] | {"days": ["mon"]}])
    answer = closed_at(rare, dt.datetime(2027, 6, 1, 10, tzinfo=dt.UTC))
    assert answer is not None and answer.reason == "never_permitted"
    answer = closed_at(rare, dt.datetime(2028, 6, 1, 10, tzinfo=dt.UTC))
    assert answer == Closed(dt.datetime(2031, 6, 2, tzinfo=dt.UTC), "never_permitted")


PROBLEMS = [
    ({"windows": {"days": ["mon"]}}, {"settings.windows"}),
    ({"windows": ["mon"]}, {"settings.windows.0"}),
    ({"windows": [{}]}, {f"settings.windows.0.{key}" for key in ("days", "from", "to")}),
    ({"windows": [WORKDAYS[0], WORKDAYS[0] | {"from": "9:00"}]}, {"settings.windows.1.from"}),
    ({"windows": [WORKDAYS[0] | {"from": "24:00"}]}, {"settings.windows.0.from"}),
    ({"windows": [WORKDAYS[0] | {"to": "24:01"}]}, {"settings.windows.0.to"}),
    ({"windows": [WORKDAYS[0] | {"to": "09:00"}]}, {"settings.windows.0.to"}),
    ({"windows": [WORKDAYS[0] | {"from": "22:00", "to": "06:00"}]}, {"settings.windows.0.to"}),
    ({"windows": [WORKDAYS[0] | {"days": ["monday", {}]}]}, {"settings.windows.0.days"}),
    ({"windows": [WORKDAYS[0] | {"until": "18:00"}]}, {"settings.windows.0.until"}),
    ({"windows": WORKDAYS * 51}, {"settings.windows"}),
    ({"pause_dates": "2027-12-24"}, {"settings.pause_dates"}),
    ({"pause_dates": ["2027-12-24", "2027-13-01"]}, {"settings.pause_dates.1"}),
    ({"pause_dates": ["2027-02-29"]}, {"settings.pause_dates.0"}),
    ({"pause_dates": ["2027-W51-5"]}, {"settings.pause_dates.0"}),
    ({"pause_dates": ["12-32"]}, {"settings.pause_dates.0"}),
    ({"pause_dates": [20271224]}, {"settings.pause_dates.0"}),
    ({"pause_dates": [{"date": "24.12."}]}, {"settings.pause_dates.0.date"}),
    ({"pause_dates": [{"from": "2027-12-24"}]}, {"settings.pause_dates.0.to"}),
    ({"pause_dates": [{"from": "2027-12-24", "to": "2027-12-23"}]}, {"settings.pause_dates.0.to"}),
    ({"pause_dates": [{"from": "2027-12-24", "to": "12-26"}]}, {"settings.pause_dates.0"}),
    ({"pause_dates": [{"day": "2027-12-24"}]}, {"settings.pause_dates.0.day"}),
    ({"pause_dates": ["2027-12-24"] * 401}, {"settings.pause_dates"}),
    ({"pause_dates": [{"from": "01-01", "to": "06-30"}, {"from": "07-01", "to": "12-31"}]}, {"settings.pause_dates"}),
    ({"timezone": "Mars/Base"}, {"settings.timezone"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("found", "paths"), PROBLEMS)
def test_a_fault_is_told_with_its_place_the_value_and_what_to_do(found: dict[str, Any], paths: set[str]) -> None:
    problems = checking.problems(definition(**found))
    assert {problem.path for problem in problems} == paths
    for problem in problems:
        assert problem.severity == "error" and "%(" not in problem.message and problem.message.endswith(".")
    # Whatever is wrong with it, running it is no error.
    closed_at(definition(**found), dt.datetime(2027, 6, 1, tzinfo=dt.UTC))


@pytest.mark.django_db
def test_settings_that_are_right_have_no_problems() -> None:
    fine = definition(
        windows=[*WORKDAYS, {"days": ["sat"], "from": "00:00", "to": "24:00"}],
        pause_dates=["2027-12-24", "12-25", {"date": "2027-12-26"}, {"from": "12-31", "to": "01-01"}],
        timezone="Europe/Stockholm",
    )
    assert checking.problems(fine) == []
    assert checking.problems(definition(windows=[], pause_dates=None)) == []


minutes = st.integers(0, 95).map(lambda quarter: quarter * 15)


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted(draw(st.lists(st.integers(0, 96), min_size=2, max_size=2, unique=True)))
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True))
    return {"days": days, "from": clock(low), "to": clock(high)}


def clock(quarter: int) -> str:
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"


class Naive:
    """Windows and pause dates as a person would look them up: day by day, in a calendar of strings."""

    def __init__(self, windows: list[dict[str, Any]], pauses: list[Any], name: str) -> None:
        everything = [{"days": list(WEEKDAYS), "from": "00:00", "to": "24:00"}]
        self.windows, self.pauses, self.name = windows or everything, pauses, name

    def midnight(self, day: dt.date) -> dt.datetime:
        return mapped(day, dt.time(), self.name)

    def edge(self, day: dt.date, text: str) -> dt.datetime:
        if text == "24:00":
            return self.midnight(day + dt.timedelta(days=1))
        return mapped(day, dt.time.fromisoformat(text), self.name)

    def hours(self, day: dt.date) -> list[Span]:
        end = self.midnight(day + dt.timedelta(days=1))
        found = [
            (self.edge(day, window["from"]), min(self.edge(day, window["to"]), end))
            for window in self.windows
            if f"{day:%a}".lower() in window["days"]
        ]
        return [(start, end) for start, end in found if start < end]

    def paused(self, day: dt.date) -> bool:
        for pause in self.pauses:
            first, last = (pause["from"], pause["to"]) if isinstance(pause, dict) else (pause, pause)
            text = f"{day}"[-len(first) :]
            if first <= text <= last or (last < first and (text >= first or text <= last)):
                return True
        return False

    def permits(self, now: dt.datetime) -> bool:
        return any(
            start <= now < end
            for day in local_days(now, 3, 3)
            if not self.paused(day)
            for start, end in self.hours(day)
        )

    def opens(self, now: dt.datetime) -> dt.datetime:
        today = max(day for day in local_days(now, 3, 3) if self.midnight(day) <= now)
        permitted = [day for day in local_days(now, 3, 60) if not self.paused(day) and self.hours(day)]
        if not self.paused(today):
            return min(start for day in permitted if day >= today for start, _end in self.hours(day) if start > now)
        following = min(day for day in permitted if day > today)
        local = now.astimezone(ZoneInfo(self.name)).time().replace(fold=0)
        same = mapped(following, local, self.name)
        inside = any(start <= now < end for start, end in self.hours(today))
        if inside and any(start <= same < end for start, end in self.hours(following)):
            return same
        return min(start for start, _end in self.hours(following))


@given(
    moment=moments(),
    shapes=st.lists(windows(), max_size=4),
    offsets=st.lists(st.tuples(st.integers(-3, 5), st.integers(0, 4), st.booleans()), max_size=3),
    ids=st.lists(st.integers(1, 2**62), min_size=1, max_size=5),
)
@settings(max_examples=examples(300, 10_000), deadline=None)
@pytest.mark.covers("SET-03", "SET-05", "SET-06")
def test_it_opens_when_a_calendar_on_paper_says_so(
    moment: tuple[dt.datetime, str], shapes: list[dict[str, Any]], offsets: list[Any], ids: list[int]
) -> None:
    now, name = moment
    pauses = [pause_around(now.date(), *offset) for offset in offsets]
    naive = Naive(shapes, pauses, name)
    permitted, problems = read_windows({"windows": shapes, "pause_dates": pauses})
    assert problems == []
    found = closing(permitted, ZoneInfo(name), now)
    assert (found is None) == naive.permits(now)
    if found is None:
        return
    assert found.until == naive.opens(now) > now
    for pk in ids:
        opens = found.opens_for(pk)
        assert found.until <= opens < found.until + dt.timedelta(minutes=15)
        assert naive.permits(opens) and closing(permitted, ZoneInfo(name), opens) is None


def pause_around(day: dt.date, ahead: int, length: int, yearly: bool) -> Any:
    first = day + dt.timedelta(days=ahead)
    last = first + dt.timedelta(days=length)
    if length == 0:
        return f"{first:%m-%d}" if yearly else f"{first}"
    return {"from": f"{first:%m-%d}", "to": f"{last:%m-%d}"} if yearly else {"from": f"{first}", "to": f"{last}"}
