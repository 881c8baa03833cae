"""A workflow's windows and pause dates as its settings write them: read, and checked with paths."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from records.problems import Problem, unknown_keys
from workflows.times.wall_time import WEEKDAYS, time_of

DAY = 1_440
WINDOWS_LIMIT = 50
PAUSES_LIMIT = 400
#: A year with a 29th of February.
LEAP = 2000
DATE = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)", re.ASCII)


@dataclass(frozen=True)
class Window:
    """A range of wall times, in minutes of the day, on some weekdays. `closes` may be 24:00, and is not included."""

    days: frozenset[str]
    opens: int
    closes: int


@dataclass(frozen=True)
class Pause:
    """Days on which nothing acts, both included. Yearly ones have days of the year 2000, and may pass its end."""

    first: dt.date
    last: dt.date
    yearly: bool

    def covers(self, day: dt.date) -> bool:
        if not self.yearly:
            return self.first <= day <= self.last
        day = day.replace(year=LEAP)
        if self.first <= self.last:
            return self.first <= day <= self.last
        return day >= self.first or day <= self.last


ANY_TIME = (Window(frozenset(WEEKDAYS), 0, DAY),)


@dataclass(frozen=True)
class Permitted:
    """When a workflow's actions may run."""

    windows: tuple[Window, ...] = ANY_TIME
    pauses: tuple[Pause, ...] = ()

    def windows_on(self, day: dt.date) -> Iterator[Window]:
        weekday = WEEKDAYS[day.weekday()]
        return (window for window in self.windows if weekday in window.days)

    def paused(self, day: dt.date) -> bool:
        return any(pause.covers(day) for pause in self.pauses)

    def at_any_time(self) -> Permitted:
        """The pause dates alone, for scheduled workflows (SCH-17, SCH-18)."""
        return replace(self, windows=ANY_TIME)


def read_windows(settings: dict[str, Any]) -> tuple[Permitted, list[Problem]]:
    """The times the settings permit, and every fault of `windows` and `pause_dates` with its path in the settings."""
    found: list[Problem] = []
    windows = [
        window
        for path, one in listed(settings, "windows", WINDOWS_LIMIT, found)
        if (window := read_window(one, path, found)) is not None
    ]
    pauses = [
        pause
        for path, one in listed(settings, "pause_dates", PAUSES_LIMIT, found)
        if (pause := read_pause(one, path, found)) is not None
    ]
    return Permitted(tuple(windows) or ANY_TIME, tuple(pauses)), found


def listed(settings: dict[str, Any], key: str, limit: int, found: list[Problem]) -> list[tuple[str, Any]]:
    """The entries of a list, each with its path."""
    entries = settings.get(key) or []
    if not isinstance(entries, list):
        found.append(Problem(key, _("“%(key)s” is a list, not %(value)r.") % {"key": key, "value": entries}, entries))
        return []
    if len(entries) > limit:
        message = _("There are %(count)d entries, and %(limit)d are the most. Remove some.")
        found.append(Problem(key, message % {"count": len(entries), "limit": limit}))
    return [(f"{key}.{index}", entry) for index, entry in enumerate(entries[:limit])]


def read_window(entry: Any, path: str, found: list[Problem]) -> Window | None:
    if not isinstance(entry, dict):
        message = _("%(value)r is not a window. Write it like {“days”: [“mon”], “from”: “09:00”, “to”: “17:00”}.")
        found.append(Problem(path, message % {"value": entry}, entry))
        return None
    faults = unknown_keys(entry, ("days", "from", "to"), path)
    days = entry.get("days")
    if not isinstance(days, list) or not days:
        message = _("A window needs weekdays. Choose at least one of: %(known)s.")
        faults.append(Problem(f"{path}.days", message % {"known": ", ".join(WEEKDAYS)}, days))
        days = []
    for day in days:
        if day not in WEEKDAYS:
            message = _("%(value)r is not a day of the week. Use: %(known)s.")
            faults.append(Problem(f"{path}.days", message % {"value": day, "known": ", ".join(WEEKDAYS)}, day))
    opens, closes = minutes_of(entry.get("from")), minutes_of(entry.get("to"))
    for key, value, least in (("from", opens, 0), ("to", closes, 1)):
        if value is None or value > DAY - 1 + least:
            message = _("%(value)r is not a time of day. Write it like 09:00.")
            faults.append(Problem(f"{path}.{key}", message % {"value": entry.get(key)}, entry.get(key)))
    if not faults and opens is not None and closes is not None and opens >= closes:
        message = _(
            "The window ends at %(to)s, which is not after %(from)s. Give it a later end; where it shall go on past "
            "midnight, end it at 24:00 and add a window for the next day."
        )
        faults.append(Problem(f"{path}.to", message % {"from": entry["from"], "to": entry["to"]}, entry["to"]))
    found += faults
    if faults or opens is None or closes is None:
        return None
    return Window(frozenset(days), opens, closes)


def minutes_of(text: Any) -> int | None:
    """The minute of the day "09:00" means; 1,440 for "24:00"."""
    if text == "24:00":
        return DAY
    time = time_of(text)
    return time.hour * 60 + time.minute if time else None


def read_pause(entry: Any, path: str, found: list[Problem]) -> Pause | None:
    """A day, {"date": day} or {"from": day, "to": day}; a day is 2027-12-24, or 12-24 for every year (SET-07)."""
    edges = {"": entry}
    if isinstance(entry, dict):
        keys = ("date",) if "date" in entry else ("from", "to")
        found += (faults := unknown_keys(entry, keys, path))
        if faults:
            return None
        edges = {f".{key}": entry.get(key) for key in keys}
    days = [day for place, value in edges.items() if (day := day_of(value, f"{path}{place}", found)) is not None]
    if len(days) < len(edges):
        return None
    (first, yearly), (last, also) = days[0], days[-1]
    if yearly != also:
        message = _("One of the two days has a year, the other one has none. Give both a year, or none of them.")
        found.append(Problem(path, message, entry))
        return None
    if not yearly and first > last:
        message = _("The pause ends on %(to)s, before it begins on %(from)s. Exchange the two.")
        found.append(Problem(f"{path}.to", message % {"from": first, "to": last}, entry["to"]))
        return None
    return Pause(first, last, yearly)


def day_of(value: Any, path: str, found: list[Problem]) -> tuple[dt.date, bool] | None:
    """A day, and whether it is meant every year (then it is one of the year 2000)."""
    written = DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if written:
            year, month, day = written.groups()
            return dt.date(int(year or LEAP), int(month), int(day)), year is None
    except ValueError:
        pass  # A month or day the calendar does not have: not a date, like any other text.
    message = _("%(value)r is not a date. Write it like 2027-12-24, or like 12-24 for every year.")
    found.append(Problem(path, message % {"value": value}, value))
    return None


def always_paused(permitted: Permitted) -> bool:
    """Whether the yearly pauses leave no day at all; single dates pass by some time."""
    yearly = Permitted(pauses=tuple(pause for pause in permitted.pauses if pause.yearly))
    days = (dt.date(LEAP, 1, 1) + dt.timedelta(days=number) for number in range(366))
    return bool(yearly.pauses) and all(yearly.paused(day) for day in days)
