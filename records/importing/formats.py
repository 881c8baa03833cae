"""How a column writes its dates and numbers, found from its values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: The order of year, month and day in a date, by the name the plan keeps.
DATE_ORDERS = {"Y-m-d": "ymd", "m/d/Y": "mdy", "d.m.Y": "dmy"}
DATE_LABELS = {
    "Y-m-d": gettext_lazy("year-month-day (2026-11-22)"),
    "m/d/Y": gettext_lazy("month/day/year (11/22/2026)"),
    "d.m.Y": gettext_lazy("day.month.year (22.11.2026)"),
}
NUMBER_LABELS = {
    ".": gettext_lazy("point before decimals (1,234.5)"),
    ",": gettext_lazy("comma before decimals (1.234,5)"),
}
DATE = re.compile(r"^(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?:[T ](\d{1,2}:\d{2}(?::\d{2})?.*))?$")
THOUSANDS = re.compile(r"^[-+]?\d{1,3}(?:([.,'\u00a0\u202f ])\d{3})+$")


@dataclass(frozen=True)
class Found:
    """The format of a column and whether its values could also be read in another one."""

    format: str
    ambiguous: bool = False


def date_format_of(values: Iterable[str], share: float = 0.9) -> Found | None:
    """The format that share of the values agrees with; None when they are no dates.

    Ambiguous when another one fits as many: 03/04/2017 alone may be March or April.
    """
    counts = dict.fromkeys(DATE_ORDERS, 0)
    separators: dict[str, int] = {}
    total = 0
    for value in values:
        total += 1
        separator = re.search(r"\d([-/. ])", value)
        if separator:
            separators[separator[1]] = separators.get(separator[1], 0) + 1
        for name in counts:
            counts[name] += read_date(value, name) is not None
    best = max(counts.values(), default=0)
    if not total or best < total * share:
        return None
    fitting = [name for name, count in counts.items() if count == best]
    usual = "d.m.Y" if max(separators, key=lambda s: separators[s]) == "." else "m/d/Y"
    return Found(usual if usual in fitting else fitting[0], ambiguous=len(fitting) > 1)


def read_date(value: str, name: str) -> str | None:
    """A date (and time) in the named format as ISO text; None when it is not one."""
    match = DATE.match(value.strip())
    if match is None:
        return None
    parts = dict(zip(DATE_ORDERS[name], match.groups()[:3], strict=True))
    if len(parts["y"]) not in (2, 4) or len(parts["m"]) > 2 or len(parts["d"]) > 2:
        return None
    year = int(parts["y"]) + ((2000 if int(parts["y"]) < 70 else 1900) if len(parts["y"]) == 2 else 0)
    try:
        day = dt.date(year, int(parts["m"]), int(parts["d"])).isoformat()
    except ValueError:
        return None
    return f"{day}T{match[4].zfill(5)}" if match[4] else day


def as_iso(value: str, name: str) -> str:
    """The value as ISO text. Raises ValueError naming the format it should be in."""
    found = read_date(value, name)
    if found is None:
        message = _("“%(value)s” is not a date written %(format)s. Correct it, or choose another date format.")
        raise ValueError(message % {"value": value, "format": DATE_LABELS[name]})
    return found


def decimal_mark_of(values: Iterable[str]) -> Found:
    """What stands before decimals: "." or ",". Ambiguous when only 1.234 or 1,234 and the like are there."""
    marks = {".": 0, ",": 0}
    unclear = 0
    for value in values:
        text = value.strip(" $€£%\u00a0")
        points, commas = text.rfind("."), text.rfind(",")
        if points < 0 and commas < 0:
            continue
        if points >= 0 and commas >= 0:
            marks["." if points > commas else ","] += 1
        elif max(text.count("."), text.count(",")) > 1:
            marks["," if points >= 0 else "."] += 1
        elif THOUSANDS.match(text):
            unclear += 1
        else:
            marks["." if points >= 0 else ","] += 1
    if not any(marks.values()):
        return Found(".", ambiguous=unclear > 0)
    return Found("," if marks[","] > marks["."] else ".")


def as_plain_number(value: str, mark: str) -> str:
    """The number without thousands separators and with a point; what is no number stays as it is."""
    text = value.strip(" $€£\u00a0")
    text = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace("'", "")
    other = "," if mark == "." else "."
    plain = text.replace(other, "").replace(mark, ".")
    return plain if re.fullmatch(r"[-+]?\d*\.?\d+", plain) else value
