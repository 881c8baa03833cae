"""How an instant is written on a page: in one format, in the zone of who looks, with the zone's name at hand."""

from __future__ import annotations

import datetime as dt

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.dateformat import format as formatted
from django.utils.formats import date_format, get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext as _

#: The time of day where its seconds matter, after a date.
SECONDS = "g:i:s a"


def zone_name() -> str:
    """The zone in which times are shown now, like "Europe/Stockholm"."""
    return str(get_current_timezone())


def moment(at: dt.datetime) -> str:
    """ "Nov. 30, 2026, 9:04 a.m." in the zone of who looks; `at` is aware."""
    return date_format(localtime(at), "DATETIME_FORMAT")


def moment_to_the_second(at: dt.datetime) -> str:
    """ "Nov. 30, 2026, 9:04:07 a.m." in the zone of who looks; `at` is aware."""
    return formatted(localtime(at), f"{get_format('DATE_FORMAT')}, {SECONDS}")


def day(at: dt.datetime) -> str:
    """ "Nov. 30, 2026": on which day it is in the zone of who looks; `at` is aware."""
    return date_format(localtime(at), "DATE_FORMAT")


def in_full(at: dt.datetime) -> str:
    """ "Monday, Nov. 30, 2026, 9:04:07 a.m., Europe/Stockholm (UTC+01:00)"; `at` is aware."""
    local, zone = localtime(at), zone_name()
    written = formatted(local, f"l, {get_format('DATE_FORMAT')}, {SECONDS}")
    if zone == "UTC":
        return f"{written}, UTC"
    offset = local.isoformat()[-6:]
    return _("%(moment)s, %(zone)s (UTC%(offset)s)") % {"moment": written, "zone": zone, "offset": offset}


def timed(at: dt.datetime, text: str, classes: str = "") -> SafeString:
    """A text about an instant; machines read which one it is, and who points at it reads it in full with its zone."""
    css = format_html(' class="{}"', classes) if classes else ""
    shown = localtime(at).isoformat(timespec="seconds")
    return format_html('<time{} datetime="{}" title="{}">{}</time>', css, shown, in_full(at), text)


def ago(at: dt.datetime) -> str:
    """ "3 hours ago"."""
    return str(naturaltime(at))
