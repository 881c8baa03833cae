"""Execution windows and pause dates: when a workflow's actions may run (SET-02 to SET-07).

A window is a range of wall times on some weekdays, in the workflow's zone; without windows any time is permitted. On
pause dates nothing may act. A window begins and ends at the instants its times mean, so one whose times are skipped
when clocks are set forward moves by the gap, and one with a repeated hour in it is an hour longer.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from records.problems import Problem
from workflows.times.permitted_times import DAY, Permitted, always_paused, read_windows
from workflows.times.wall_time import instant_of, moved, workflow_zone

if TYPE_CHECKING:
    from workflows.definitions.definition import Definition

#: Actions that come outside the windows are spread over so many seconds, lest all of them come at once (SET-03).
SPREAD = 900
#: So many days are looked at for a permitted one; if there is none, the rest is looked at when they have passed.
LOOK_AHEAD = 1_096

Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True)
class Closed:
    """Nothing may act now, for a reason of workflows.history.reasons; from `until` on it may.

    `spread`: seconds over which the enrollments that wait for this are spread.
    """

    until: dt.datetime
    reason: str
    spread: int = 0

    def opens_for(self, enrollment_id: int) -> dt.datetime:
        """When one enrollment's action runs: for the same enrollment always the same time."""
        if not self.spread:
            return self.until
        # Fibonacci hashing: ids in a row, as they come, fall evenly into the seconds.
        part = enrollment_id * 2_654_435_769 % 2**32
        return self.until + dt.timedelta(seconds=part * self.spread >> 32)


def closed_at(definition: Definition, now: dt.datetime) -> Closed | None:
    """Why and until when the workflow's actions may not run at `now`; None when they may."""
    settings = definition.settings
    scheduled = definition.trigger.kind == "schedule"
    if not settings.get("pause_dates") and (scheduled or not settings.get("windows")):
        return None
    # What is published has been checked: nothing is wrong with it any more.
    permitted, _problems = read_windows(settings)
    if scheduled:
        permitted = permitted.at_any_time()
    return closing(permitted, workflow_zone(settings), now)


def problems(definition: Definition) -> list[Problem]:
    """What is wrong with the windows and pause dates of a definition, with paths into the document."""
    permitted, found = read_windows(definition.settings)
    if not found and always_paused(permitted):
        message = _("Every day of the year is a pause date, so nothing would ever be done. Remove some of them.")
        found.append(Problem("pause_dates", message, code="never_permitted"))
    if definition.trigger.kind == "schedule" and definition.settings.get("windows"):
        message = _("A workflow with a schedule acts at any time of day, so its execution times are not heeded.")
        found.append(Problem("windows", message, severity="warning", code="unused"))
    return [problem.at("settings") for problem in found]


def closing(permitted: Permitted, zone: zoneinfo.ZoneInfo, now: dt.datetime) -> Closed | None:
    """`closed_at` for times that have been read.

    Outside the windows: the first moments of the next permitted span (SET-03). On a pause date: the same time of day
    on the next permitted day, or, where the windows would not permit that time anyway, that day's first moments
    (SET-06).
    """
    local = now.astimezone(zone)
    # Clocks set back around midnight show the end of a day again: it belongs to the day after then.
    today = next(day for ahead in (1, 0, -1) if instant_of(day := moved(local.date(), ahead), dt.time(), zone) <= now)
    hours = spans(permitted, today, zone)
    inside = any(start <= now < end for start, end in hours)
    if not permitted.paused(today):
        if inside:
            return None
        later = [span for span in hours if span[0] > now]
        if later:
            return opening(later[0], "outside_window")
    for ahead in range(1, LOOK_AHEAD + 1):
        day = moved(today, ahead)
        found = [] if permitted.paused(day) else spans(permitted, day, zone)
        if not found:
            continue
        if not permitted.paused(today):
            return opening(found[0], "outside_window")
        same_time = instant_of(day, local.time(), zone)
        if inside and any(start <= same_time < end for start, end in found):
            return Closed(same_time, "pause_date")
        return opening(found[0], "pause_date")
    return Closed(instant_of(moved(today, LOOK_AHEAD), dt.time(), zone), "never_permitted")


def opening(span: Span, reason: str) -> Closed:
    """Closed until a span of time begins; who waits for it is spread, but never beyond its end."""
    start, end = span
    return Closed(start, reason, min(SPREAD, int((end - start).total_seconds())))


def spans(permitted: Permitted, day: dt.date, zone: zoneinfo.ZoneInfo) -> list[Span]:
    """The permitted spans of a day in order, pause dates aside; those that touch or overlap are one."""
    found: list[Span] = []
    midnight = edge(day, DAY, zone)
    for window in sorted(permitted.windows_on(day), key=lambda window: window.opens):
        # Clocks that skip the last hour of a day would move a window's end into the next one.
        start, end = edge(day, window.opens, zone), min(edge(day, window.closes, zone), midnight)
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def edge(day: dt.date, minutes: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """The instant of a time given as minutes of the wall clock; 24:00 is the beginning of the next day."""
    if minutes == DAY:
        return instant_of(moved(day, 1), dt.time(), zone)
    return instant_of(day, dt.time(minutes // 60, minutes % 60), zone)
