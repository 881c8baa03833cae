"""The calendar as a naive person reads it: the zones tests use, and oracles that enumerate local days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

#: Sixty zones: every kind of daylight saving time there is, and places that have none.
ZONES = """
    UTC Africa/Abidjan Africa/Cairo Africa/Casablanca Africa/El_Aaiun Africa/Johannesburg Africa/Lagos Africa/Nairobi
    Africa/Tripoli Africa/Windhoek America/Adak America/Anchorage America/Argentina/Buenos_Aires America/Asuncion
    America/Bogota America/Caracas America/Chicago America/Denver America/Godthab America/Halifax America/Havana
    America/Los_Angeles America/Mexico_City America/Miquelon America/New_York America/Phoenix America/Port-au-Prince
    America/Santiago America/Sao_Paulo America/Scoresbysund America/St_Johns Antarctica/Casey Antarctica/Troll
    Asia/Amman Asia/Beirut Asia/Dhaka Asia/Gaza Asia/Jerusalem Asia/Kabul Asia/Kathmandu Asia/Kolkata Asia/Pyongyang
    Asia/Shanghai Asia/Tehran Asia/Tokyo Atlantic/Azores Australia/Adelaide Australia/Eucla Australia/Lord_Howe
    Australia/Sydney Europe/Berlin Europe/Dublin Europe/Istanbul Europe/London Europe/Moscow Pacific/Apia
    Pacific/Auckland Pacific/Chatham Pacific/Kiritimati Pacific/Norfolk
""".split()  # noqa: SIM905

START, END = dt.datetime(2009, 1, 1, tzinfo=dt.UTC), dt.datetime(2031, 1, 1, tzinfo=dt.UTC)


def transitions(name: str) -> list[dt.datetime]:
    """The instants between START and END at which a zone's clocks are set anew, to the minute."""
    zone, found = ZoneInfo(name), []
    here = START
    while here < END:
        later = here + dt.timedelta(days=7)
        if here.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            low, high = here, later
            while high - low > dt.timedelta(minutes=1):
                middle = low + (high - low) / 2
                same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.replace(second=0, microsecond=0))
        here = later
    return found


TRANSITIONS = {name: transitions(name) for name in ZONES}


@st.composite
def moments(draw: st.DrawFn) -> tuple[dt.datetime, str]:
    """An instant and a zone, half of the time within two days of where its clocks are set anew."""
    name = draw(st.sampled_from(ZONES))
    if TRANSITIONS[name] and draw(st.booleans()):
        near = draw(st.sampled_from(TRANSITIONS[name]))
        around = st.integers(-180, 180) | st.integers(-2_880, 2_880)
        return near + dt.timedelta(minutes=draw(around)), name
    minutes = draw(st.integers(0, int((END - START).total_seconds()) // 60))
    return START + dt.timedelta(minutes=minutes), name


times = st.one_of(
    st.builds(dt.time, st.integers(0, 3), st.sampled_from([0, 1, 15, 30, 45, 59])),
    st.builds(dt.time, st.integers(0, 23), st.integers(0, 59)),
)


def mapped(day: dt.date, time: dt.time, name: str) -> dt.datetime:
    """The rule itself, in one line."""
    return dt.datetime.combine(day, time, ZoneInfo(name)).astimezone(dt.UTC)


def local_days(now: dt.datetime, before: int, after: int) -> Iterator[dt.date]:
    """Calendar days around an instant, wherever on the earth that is."""
    for number in range(-before, after + 1):
        yield now.date() + dt.timedelta(days=number)


def every_time(
    now: dt.datetime, time: dt.time, name: str, fits: Callable[[dt.date], bool], days: int
) -> list[dt.datetime]:
    """All instants from `now` on at which a time comes on a day that fits, in order."""
    found = {mapped(day, time, name) for day in local_days(now, 3, days) if fits(day)}
    return sorted(instant for instant in found if instant >= now)
