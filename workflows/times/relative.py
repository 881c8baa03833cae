"""A moment counted from when a step runs: now, so long after or before it, on a weekday, at a time of day."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

from django.utils.dates import WEEKDAYS as WEEKDAY_LABELS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from workflows.times.wall_time import EARLIEST, LATEST, WEEKDAYS, days_later, instant_of, moved, time_of

NOW, AFTER, BEFORE = WHENS = ("now", "after", "before")
#: The units with what so many of them are called.
UNITS = {
    "minutes": ngettext_lazy("%(count)d minute", "%(count)d minutes", "count"),
    "hours": ngettext_lazy("%(count)d hour", "%(count)d hours", "count"),
    "days": ngettext_lazy("%(count)d day", "%(count)d days", "count"),
    "weeks": ngettext_lazy("%(count)d week", "%(count)d weeks", "count"),
    "months": ngettext_lazy("%(count)d month", "%(count)d months", "count"),
    "years": ngettext_lazy("%(count)d year", "%(count)d years", "count"),
}
UNIT_LABELS = {
    "minutes": gettext_lazy("minutes"), "hours": gettext_lazy("hours"), "days": gettext_lazy("days"),
    "weeks": gettext_lazy("weeks"), "months": gettext_lazy("months"), "years": gettext_lazy("years"),
}  # fmt: skip
#: Ten years of each.
LIMITS = {
    "minutes": 3_650 * 1_440, "hours": 3_650 * 24, "days": 3_650, "weeks": 521, "months": 120, "years": 10,
}  # fmt: skip


def moment_of(document: dict[str, Any], now: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """The instant, in UTC, a cleaned setting means when the step runs at `now`; clocks are those of `zone`.

    Days and longer keep the time of day; a month without the day ends with its last one. With weekdays the moment
    moves on to the next day that is one of them, with `at` to that time of the day it has come to.
    """
    amount = int(document.get("amount") or 0) * (-1 if document.get("when") == BEFORE else 1)
    found = later(now, amount, str(document.get("unit") or "days"), zone)
    local = min(max(found, EARLIEST), LATEST).astimezone(zone)
    day, weekdays = local.date(), document.get("weekdays") or ()
    while weekdays and WEEKDAYS[day.weekday()] not in weekdays:
        day = moved(day, 1)
    time = time_of(document.get("at"))
    if day == local.date() and time is None:
        return found
    return instant_of(day, time if time is not None else local.time(), zone)


def later(now: dt.datetime, amount: int, unit: str, zone: dt.tzinfo) -> dt.datetime:
    if unit in ("minutes", "hours"):
        return now.astimezone(dt.UTC) + dt.timedelta(**{unit: amount})
    if unit in ("days", "weeks"):
        return days_later(now, amount * (7 if unit == "weeks" else 1), zone)
    local = now.astimezone(zone)
    months = local.year * 12 + local.month - 1 + amount * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return instant_of(dt.date(year, month + 1, min(local.day, last)), local.time(), zone) if amount else now


def worded(document: Any) -> str:
    """A setting as a part of a sentence, also one that is not finished: “3 days after the step runs, at 09:00”."""
    found = document if isinstance(document, dict) else {}
    amount, unit = found.get("amount"), found.get("unit")
    if found.get("when") == NOW or found.get("when") not in WHENS or unit not in UNITS or not isinstance(amount, int):
        text = _("the moment the step runs")
    else:
        facts = {"amount": str(UNITS[unit] % {"count": amount})}
        before = found["when"] == BEFORE
        text = (_("%(amount)s before the step runs") if before else _("%(amount)s after the step runs")) % facts
    days = found.get("weekdays")
    if isinstance(days, list) and days:
        names = [str(WEEKDAY_LABELS[number]) for number, slug in enumerate(WEEKDAYS) if slug in days]
        text = _("%(moment)s, on the next %(days)s") % {"moment": text, "days": ", ".join(names)}
    if time_of(found.get("at")) is not None:
        text = _("%(moment)s, at %(time)s") % {"moment": text, "time": found["at"]}
    return text
