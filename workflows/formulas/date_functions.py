"""Functions of dates and times. Days and times of day are those on the walls of the workflow's time zone."""

from __future__ import annotations

import calendar
import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.property_types.dates import EARLIEST, LATEST, parse_date
from workflows.formulas.functions import Run, function
from workflows.formulas.kinds import written
from workflows.formulas.nodes import FormulaError
from workflows.texts.token_filters import DATE_CODE, DATE_CODES, date_part
from workflows.times.wall_time import instant_of, time_of

Moment = dt.date  # A datetime is one, too.
SECONDS = {"hours": 3_600, "minutes": 60}
PATTERN_LIMIT = 200


@function("today", "", "date", gettext_lazy("The day the step runs on."), "today()")
def today(run: Run) -> dt.date:
    return run.now.astimezone(run.zone).date()


@function("now", "", "datetime", gettext_lazy("The instant the step runs at."), "now()")
def now(run: Run) -> dt.datetime:
    return run.now


@function(
    "date", "text|date|datetime", "date", gettext_lazy("The day of an instant, or the one a text is: 2026-11-22."),
    'date("2026-11-22")',
)  # fmt: skip
def date(run: Run, value: Any) -> dt.date | None:
    if isinstance(value, dt.date):
        return day_of(run, value)
    if not value.strip():
        return None
    found = parse_date(value.strip())
    if found is None:
        message = _("date(…) cannot read “%(value)s”. Write dates year-month-day, like 2026-11-22.")
        raise FormulaError(message % {"value": value[:60]})
    return found


@function(
    "at", "date, text", "datetime", gettext_lazy("The instant at which clocks show a time on a day."),
    'at(today(), "09:00")',
)  # fmt: skip
def at(run: Run, day: dt.date, text: str) -> dt.datetime | None:
    if not text.strip():
        return None
    time = time_of(text.strip())
    if time is None:
        message = _("at(…) cannot read the time “%(value)s”. Write it like 09:00.")
        raise FormulaError(message % {"value": text[:60]})
    return instant_of(day, time, run.zone)


@function(
    "add_time", "same:date|datetime, number, unit", "same",
    gettext_lazy("So many years, months, weeks, days, hours or minutes later."), 'add_time(today(), 2, "weeks")',
)  # fmt: skip
def add_time(run: Run, moment: Moment, amount: Decimal, unit: str) -> Moment:
    return later("add_time", run, moment, amount, unit)


@function(
    "subtract_time", "same:date|datetime, number, unit", "same", gettext_lazy("So much earlier."),
    'subtract_time(today(), 1, "months")',
)  # fmt: skip
def subtract_time(run: Run, moment: Moment, amount: Decimal, unit: str) -> Moment:
    return later("subtract_time", run, moment, -amount, unit)


def later(name: str, run: Run, moment: Moment, amount: Decimal, unit: str) -> Moment:
    """Calendar units keep the time of day; from the end of a month they lead to the end of a shorter one."""
    if amount != amount.to_integral_value():
        message = _("%(function)s(…) takes whole numbers, not %(value)s. Use round(…), or a smaller unit.")
        raise FormulaError(message % {"function": name, "value": written(amount)})
    timed = isinstance(moment, dt.datetime)
    try:
        if unit in SECONDS:
            if not timed:
                raise untimed(name, unit)
            return in_calendar(name, moment + dt.timedelta(seconds=int(amount) * SECONDS[unit]))
        day = moved(day_of(run, moment), int(amount), unit)
    except (OverflowError, ValueError) as error:
        if isinstance(error, FormulaError):
            raise
        raise beyond(name) from error
    if not isinstance(moment, dt.datetime):
        return day
    return in_calendar(name, instant_of(day, moment.astimezone(run.zone).time(), run.zone))


def untimed(name: str, unit: str) -> FormulaError:
    message = _("%(function)s(…) cannot count %(unit)s from a date. Use at(…, “09:00”) to give it a time.")
    return FormulaError(message % {"function": name, "unit": unit})


def moved(day: dt.date, amount: int, unit: str) -> dt.date:
    if unit in ("days", "weeks"):
        return day + dt.timedelta(days=amount * (7 if unit == "weeks" else 1))
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise OverflowError(year)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def in_calendar(name: str, moment: Moment) -> Moment:
    if isinstance(moment, dt.datetime) and not EARLIEST <= moment <= LATEST:
        raise beyond(name)
    return moment


def beyond(name: str) -> FormulaError:
    message = _("%(function)s(…) leads beyond the years 1 to 9999. Use a smaller amount.")
    return FormulaError(message % {"function": name})


@function(
    "time_between", "same:date|datetime, same:date|datetime, unit", "number",
    gettext_lazy("How many whole units it is from the first to the second; negative when the second is earlier."),
    'time_between(date("2026-01-01"), date("2026-03-01"), "days")',
)  # fmt: skip
def time_between(run: Run, first: Moment, second: Moment, unit: str) -> Decimal:
    if isinstance(first, dt.datetime) and isinstance(second, dt.datetime) and unit in SECONDS:
        seconds = (second - first).total_seconds()
        return Decimal(int(seconds / SECONDS[unit]))
    start, end = day_of(run, first), day_of(run, second)
    if unit in SECONDS:
        return Decimal((end - start).days * 86_400 // SECONDS[unit])
    if unit in ("days", "weeks"):
        return Decimal(int((end - start).days / (7 if unit == "weeks" else 1)))
    sign, (early, late) = (1, (start, end)) if start <= end else (-1, (end, start))
    months = (late.year - early.year) * 12 + late.month - early.month - (late.day < early.day)
    return Decimal(sign * (months // 12 if unit == "years" else months))


@function(
    "format_date", "date|datetime, text?", "text",
    gettext_lazy("As text by a pattern: %d day, %m month, %Y year, %B the month’s name, %A the weekday’s, %H:%M."),
    'format_date(date("2026-11-22"), "%d %B %Y")',
)  # fmt: skip
def format_date(run: Run, moment: Moment, pattern: str = "%Y-%m-%d") -> str:
    if len(pattern) > PATTERN_LIMIT:
        message = _("format_date(…) takes a pattern of %(limit)d characters at most. Use concat(…) for the text.")
        raise FormulaError(message % {"limit": PATTERN_LIMIT})
    for code in DATE_CODE.findall(pattern):
        if code and code not in DATE_CODES:
            message = _("format_date(…) knows no “%%%(code)s”. Use: %(known)s.")
            known = ", ".join(f"%{one}" for one in DATE_CODES)
            raise FormulaError(message % {"code": code, "known": known})
    local = moment.astimezone(run.zone) if isinstance(moment, dt.datetime) else dt.datetime.combine(moment, dt.time())
    return DATE_CODE.sub(lambda code: date_part(local, code.group(1)), pattern)


@function("year", "date|datetime", "number", gettext_lazy("Its year."), 'year(date("2026-11-22"))')
def year(run: Run, moment: Moment) -> Decimal:
    return Decimal(day_of(run, moment).year)


@function("month", "date|datetime", "number", gettext_lazy("Its month, 1 to 12."), 'month(date("2026-11-22"))')
def month(run: Run, moment: Moment) -> Decimal:
    return Decimal(day_of(run, moment).month)


@function("day", "date|datetime", "number", gettext_lazy("Its day of the month."), 'day(date("2026-11-22"))')
def day(run: Run, moment: Moment) -> Decimal:
    return Decimal(day_of(run, moment).day)


@function(
    "weekday", "date|datetime", "number", gettext_lazy("Its day of the week: 1 is Monday, 7 is Sunday."),
    'weekday(date("2026-11-22"))',
)  # fmt: skip
def weekday(run: Run, moment: Moment) -> Decimal:
    return Decimal(day_of(run, moment).isoweekday())


@function("hour", "datetime", "number", gettext_lazy("Its hour, 0 to 23."), 'hour(at(today(), "09:30"))')
def hour(run: Run, moment: dt.datetime) -> Decimal:
    return Decimal(moment.astimezone(run.zone).hour)


@function(
    "start_of_month", "date|datetime", "date", gettext_lazy("The first day of its month."),
    'start_of_month(date("2026-11-22"))',
)  # fmt: skip
def start_of_month(run: Run, moment: Moment) -> dt.date:
    return day_of(run, moment).replace(day=1)


@function(
    "end_of_month", "date|datetime", "date", gettext_lazy("The last day of its month."),
    'end_of_month(date("2026-11-22"))',
)  # fmt: skip
def end_of_month(run: Run, moment: Moment) -> dt.date:
    found = day_of(run, moment)
    return found.replace(day=calendar.monthrange(found.year, found.month)[1])


def day_of(run: Run, moment: Moment) -> dt.date:
    return moment.astimezone(run.zone).date() if isinstance(moment, dt.datetime) else moment
