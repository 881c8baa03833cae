"""Schedules as definitions write them: read into rules, and checked with paths (SCH-03 to SCH-09, SCH-23, SCH-24)."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from records.problems import Problem, unknown_keys
from records.properties import Property
from workflows.schedules.instants import EVERY, RELATIVE_DAYS, Cron, Rule, read_cron
from workflows.times.wall_time import OFFSET_LIMIT, WEEKDAYS, time_of, zone_named

#: What each frequency is made of, besides `every` and `timezone`.
KEYS = {
    "once": ("date", "at"),
    "day": ("at",),
    "week": ("weekdays", "at"),
    "month": ("days", "day", "at"),
    "year": ("month", "day", "at"),
    "cron": ("cron",),
    "property": ("property", "offset_days", "yearly", "at"),
}
DATE_TYPES = ("date", "datetime")
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Properties = Mapping[str, Property]


class Reader:
    """Reads the keys of one schedule; what is wrong with them is kept in `found`."""

    def __init__(self, document: dict[str, Any], properties: Properties | None) -> None:
        self.document, self.properties = document, properties
        self.found: list[Problem] = []

    def wrong(self, key: str, message: str, **facts: Any) -> None:
        value = self.document.get(key)
        code = "missing" if value in (None, "", []) else "invalid"
        self.found.append(Problem(key, message % {"value": value, **facts}, value, code=code))

    def at(self) -> dt.time:
        time = time_of(self.document.get("at"))
        if time is None:
            if self.document.get("at") in (None, ""):
                self.wrong("at", _("The schedule has no time of day. Write it like 09:00."))
            else:
                self.wrong("at", _("%(value)r is not a time of day. Write it like 09:00."))
        return time or dt.time()

    def date(self) -> dt.date | None:
        day = date_of(self.document.get("date"))
        if day is None:
            self.wrong("date", _("%(value)r is not a date. Write it like 2027-05-01."))
        return day

    def weekdays(self) -> frozenset[str]:
        listed = self.document.get("weekdays")
        if not isinstance(listed, list) or not listed or not all(day in WEEKDAYS for day in listed):
            message = _("%(value)r are no days of the week. Choose at least one of: %(known)s.")
            self.wrong("weekdays", message, known=", ".join(WEEKDAYS))
            return frozenset()
        return frozenset(listed)

    def month_days(self) -> frozenset[int]:
        listed = self.document.get("days")
        if not isinstance(listed, list) or not listed or not all(is_day_of_month(day) for day in listed):
            message = _("%(value)r are no days of a month. Choose at least one from 1 to 31, or a “day” like “last”.")
            self.wrong("days", message)
            return frozenset()
        return frozenset(listed)

    def relative_day(self) -> str:
        day = self.document.get("day")
        if not isinstance(day, str) or day not in RELATIVE_DAYS:
            message = _(
                "%(value)r is no day of a month. Use “last”, or a weekday like “first_monday” or “last_friday”."
            )
            self.wrong("day", message)
            return ""
        return day

    def month(self) -> int:
        month = self.document.get("month")
        if isinstance(month, bool) or not isinstance(month, int) or not 1 <= month <= 12:
            self.wrong("month", _("%(value)r is not a month. Use a number from 1 to 12."))
            return 1
        return month

    def cron(self) -> Cron | None:
        text = self.document.get("cron")
        try:
            return read_cron(text if isinstance(text, str) else "")
        except ValueError:
            message = _(
                "“%(value)s” is not a cron expression that can be used. Write minute, hour, day of the month, month "
                "and weekday, like 0 9 * * 1-5."
            )
            self.wrong("cron", message)
            return None

    def property(self) -> str:
        slug = self.document.get("property")
        if self.properties is None:
            return str(slug or "")
        prop = self.properties.get(slug) if isinstance(slug, str) else None
        if prop is None or prop.type not in DATE_TYPES:
            known = ", ".join(name for name, one in self.properties.items() if one.type in DATE_TYPES)
            self.wrong("property", _("“%(value)s” is not a date property. Use one of: %(known)s."), known=known)
            return ""
        return prop.slug

    def offset(self) -> int:
        days = self.document.get("offset_days", 0)
        if isinstance(days, bool) or not isinstance(days, int) or abs(days) > OFFSET_LIMIT:
            message = _("%(value)r is not a number of days. Use a whole number from -%(limit)d to %(limit)d.")
            self.wrong("offset_days", message, limit=OFFSET_LIMIT)
            return 0
        return days

    def yearly(self) -> bool:
        yearly = self.document.get("yearly", False)
        if not isinstance(yearly, bool):
            self.wrong("yearly", _("%(value)r is neither true nor false. Send true or false."))
        return bool(yearly)


def is_day_of_month(day: Any) -> bool:
    return isinstance(day, int) and not isinstance(day, bool) and 1 <= day <= 31


def date_of(text: Any) -> dt.date | None:
    """The date "2027-05-01" means; None for anything else."""
    if not isinstance(text, str) or not DATE.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def monthly(reader: Reader) -> Rule:
    if reader.document.get("day"):
        if reader.document.get("days"):
            reader.wrong("day", _("A schedule has either “days” or a “day”. Remove one of them."))
        return Rule("month", reader.at(), day=reader.relative_day())
    return Rule("month", reader.at(), days=reader.month_days())


def yearly(reader: Reader) -> Rule:
    """A month with a day of it, as a number or like "last" (SCH-07)."""
    month, day = reader.month(), reader.document.get("day")
    if isinstance(day, str) and day:
        return Rule("year", reader.at(), day=reader.relative_day(), month=month)
    # Of a leap year, because 29 February is a day of some years (SCH-09).
    if not isinstance(day, int) or not is_day_of_month(day) or day > calendar.monthrange(2000, month)[1]:
        reader.wrong("day", _("%(value)r is not a day of that month. Use a number that the month has, or “last”."))
        day = 1
    return Rule("year", reader.at(), days=frozenset([day]), month=month)


def by_property(reader: Reader) -> Rule:
    return Rule(
        "property", reader.at(), property=reader.property(), offset_days=reader.offset(), yearly=reader.yearly()
    )


RULES: dict[str, Callable[[Reader], Rule]] = {
    "once": lambda reader: Rule("once", reader.at(), date=reader.date()),
    "day": lambda reader: Rule("day", reader.at()),
    "week": lambda reader: Rule("week", reader.at(), weekdays=reader.weekdays()),
    "month": monthly,
    "year": yearly,
    "cron": lambda reader: Rule("cron", cron=reader.cron()),
    "property": by_property,
}


def read(document: Any, properties: Properties | None = None) -> tuple[Rule | None, list[Problem]]:
    """The rule a schedule means, None where it is not finished, and what is wrong with it.

    `properties`: those of the object type, to find the date property among them; without them it is not looked for.
    """
    if not isinstance(document, dict):
        message = _("A schedule is a JSON object like {“every”: “day”, “at”: “09:00”}, not %(value)r.")
        return None, [Problem("", message % {"value": document}, document)]
    every = document.get("every")
    if not isinstance(every, str) or every not in RULES:
        message = _("Choose how often the schedule fires: %(known)s. “%(value)s” is none of them.")
        facts = {"known": ", ".join(EVERY), "value": every or ""}
        return None, [Problem("every", message % facts, every, code="invalid" if every else "missing")]
    reader = Reader(document, properties)
    reader.found += unknown_keys(document, ("every", "timezone", *KEYS[every]))
    zone = document.get("timezone")
    if zone and zone_named(str(zone)) is None:
        reader.wrong("timezone", _("“%(value)s” is not a time zone. Use a name like Europe/Stockholm."))
    rule = RULES[every](reader)
    return (None if reader.found else rule), reader.found
