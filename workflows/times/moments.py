"""Instants of the log as a person reads them, in the person's own zone."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _


def shown_moment(stored: Any) -> str:
    """ "Monday, Nov. 30, 2026, at 9:04 a.m." of an ISO instant; what is none is shown as it is."""
    try:
        local = localtime(dt.datetime.fromisoformat(stored))
    except (ValueError, TypeError, OverflowError):
        return "" if stored is None else str(stored)
    facts = {"weekday": date_format(local, "l"), "date": date_format(local), "time": date_format(local, "TIME_FORMAT")}
    return _("%(weekday)s, %(date)s, at %(time)s") % facts


def shown_time(time: dt.time) -> str:
    return date_format(dt.datetime.combine(dt.date(2000, 1, 1), time), "TIME_FORMAT")
