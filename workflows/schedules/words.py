"""Schedules in a person's words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS as WEEKDAY_LABELS
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.schedules.instants import DAY_NAMES, LAST, Rule
from workflows.times.moments import shown_time
from workflows.times.wall_time import WEEKDAYS

ORDINALS = {
    "first": gettext_lazy("first %(weekday)s"),
    "second": gettext_lazy("second %(weekday)s"),
    "third": gettext_lazy("third %(weekday)s"),
    "fourth": gettext_lazy("fourth %(weekday)s"),
    "fifth": gettext_lazy("fifth %(weekday)s"),
    "last": gettext_lazy("last %(weekday)s"),
}


def relative_day(name: str) -> str:
    """ "last day", "first Monday"."""
    if name == LAST:
        return _("last day")
    ordinal, _sign, weekday = name.partition("_")
    return str(ORDINALS[ordinal]) % {"weekday": WEEKDAY_LABELS[DAY_NAMES.index(weekday)]}


def once(rule: Rule, time: str, label: str) -> str:
    return _("Once, on %(date)s at %(time)s") % {"date": date_format(rule.date) if rule.date else "", "time": time}


def daily(rule: Rule, time: str, label: str) -> str:
    return _("Every day at %(time)s") % {"time": time}


def weekly(rule: Rule, time: str, label: str) -> str:
    names = [str(WEEKDAY_LABELS[number]) for number, slug in enumerate(WEEKDAYS) if slug in rule.weekdays]
    return _("Every week on %(days)s at %(time)s") % {"days": get_text_list(names, _("and")), "time": time}


def monthly(rule: Rule, time: str, label: str) -> str:
    if rule.day:
        return _("Every month on the %(day)s at %(time)s") % {"day": relative_day(rule.day), "time": time}
    days = get_text_list([str(day) for day in sorted(rule.days)], _("and"))
    sentence = ngettext(
        "Every month on day %(days)s at %(time)s", "Every month on days %(days)s at %(time)s", len(rule.days)
    )
    return sentence % {"days": days, "time": time}


def yearly(rule: Rule, time: str, label: str) -> str:
    first = dt.date(2000, rule.month, 1)
    if rule.day:
        facts = {"day": relative_day(rule.day), "month": date_format(first, "F"), "time": time}
        return _("Every year on the %(day)s of %(month)s at %(time)s") % facts
    day = date_format(first.replace(day=min(rule.days)), "MONTH_DAY_FORMAT")
    return _("Every year on %(day)s at %(time)s") % {"day": day, "time": time}


def cron(rule: Rule, time: str, label: str) -> str:
    return _("By the cron expression %(cron)s") % {"cron": label}


def by_property(rule: Rule, time: str, label: str) -> str:
    facts = {"n": abs(rule.offset_days), "property": label, "time": time}
    if rule.yearly:
        sentences = (
            _("Every year on the day of %(property)s at %(time)s"),
            ngettext(
                "Every year %(n)d day before %(property)s at %(time)s",
                "Every year %(n)d days before %(property)s at %(time)s", abs(rule.offset_days),
            ),
            ngettext(
                "Every year %(n)d day after %(property)s at %(time)s",
                "Every year %(n)d days after %(property)s at %(time)s", abs(rule.offset_days),
            ),
        )  # fmt: skip
    else:
        sentences = (
            _("On the day of %(property)s at %(time)s"),
            ngettext(
                "%(n)d day before %(property)s at %(time)s", "%(n)d days before %(property)s at %(time)s",
                abs(rule.offset_days),
            ),
            ngettext(
                "%(n)d day after %(property)s at %(time)s", "%(n)d days after %(property)s at %(time)s",
                abs(rule.offset_days),
            ),
        )  # fmt: skip
    return sentences[0 if not rule.offset_days else 1 if rule.offset_days < 0 else 2] % facts


SENTENCES: dict[str, Callable[[Rule, str, str], str]] = {
    "once": once, "day": daily, "week": weekly, "month": monthly, "year": yearly, "cron": cron,
    "property": by_property,
}  # fmt: skip


def sentence(rule: Rule, label: str = "") -> str:
    """When a rule fires. `label`: the date property's name, or the cron expression."""
    return SENTENCES[rule.every](rule, shown_time(rule.at), label)


def shown_firing(instant: dt.datetime, zone: Any) -> str:
    """ "Monday, Nov. 30, 2026, at 9 a.m." as clocks of a zone show it."""
    local = instant.astimezone(zone if isinstance(zone, dt.tzinfo) else ZoneInfo(str(zone)))
    facts = {"weekday": date_format(local, "l"), "date": date_format(local), "time": date_format(local, "TIME_FORMAT")}
    return _("%(weekday)s, %(date)s, at %(time)s") % facts
