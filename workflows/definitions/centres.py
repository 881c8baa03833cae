"""The centre of a date-centred workflow: the day all of its steps are timed by (SCH-27, SCH-28, SCH-31)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.problems import Problem, unknown_keys
from records.properties import Property
from workflows.schedules.rules import DATE_TYPES, date_of

KEYS = ("date", "property", "yearly")


@dataclass(frozen=True)
class Centre:
    """One calendar date, or a date property of the record. `yearly`: whatever its year, and again every year."""

    date: dt.date | None
    property: str
    yearly: bool


def faults(document: Any) -> list[Problem]:
    """What keeps a definition with this centre from being read at all."""
    if document is None or isinstance(document, dict):
        return unknown_keys(document or {}, KEYS, "centre")
    message = _("The centre is a JSON object like {“date”: “2027-05-01”, “yearly”: false}, not %(value)r.")
    return [Problem("centre", message % {"value": document}, document)]


def read(document: Any) -> Centre | None:
    """The centre a document means; None without one. One that is not finished has neither date nor property."""
    if not isinstance(document, dict) or not document:
        return None
    slug = document.get("property")
    return Centre(date_of(document.get("date")), slug if isinstance(slug, str) else "", document.get("yearly") is True)


def problems(document: Any, properties: Mapping[str, Property]) -> Iterator[Problem]:
    """What keeps a centre from being published."""
    if not isinstance(document, dict) or not document:
        return
    date, slug = document.get("date"), document.get("property")
    if bool(date) == bool(slug):
        message = _("A date-centred workflow has a date or a date property. Give one of them.")
        yield Problem("centre", message, code="missing")
        return
    if date and date_of(date) is None:
        message = _("%(value)r is not a date. Write it like 2027-05-01.") % {"value": date}
        yield Problem("centre.date", message, date)
    if slug:
        prop = properties.get(slug) if isinstance(slug, str) else None
        if prop is None or prop.type not in DATE_TYPES:
            known = ", ".join(name for name, one in properties.items() if one.type in DATE_TYPES)
            message = _("“%(value)s” is not a date property. Use one of: %(known)s.") % {"value": slug, "known": known}
            yield Problem("centre.property", message, slug)
    if not isinstance(document.get("yearly", False), bool):
        message = _("%(value)r is neither true nor false. Send true or false.") % {"value": document["yearly"]}
        yield Problem("centre.yearly", message, document["yearly"])


def in_year(day: dt.date, year: int) -> dt.date:
    """The day in a year; 29 February, where the year has none, in the next one that has it (SCH-09)."""
    while True:
        try:
            return day.replace(year=year)
        except ValueError:
            year += 1
