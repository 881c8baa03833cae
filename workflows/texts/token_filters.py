"""The filters of tokens: small, bounded functions from value to value."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from workflows.texts.token_values import Shown

#: What Liquid's date codes are called by Django, which knows the language and cannot be asked for a billion digits.
DATE_CODES = {
    "Y": "Y", "y": "y", "m": "m", "-m": "n", "B": "F", "b": "M", "d": "d", "-d": "j", "e": "j", "A": "l", "a": "D",
    "H": "H", "-H": "G", "I": "h", "-I": "g", "M": "i", "S": "s", "p": "A", "j": "z", "Z": "T", "z": "O",
}  # fmt: skip
DATE_CODE = re.compile(r"%(-?[A-Za-z])|%%")


@dataclass(frozen=True)
class Filter:
    """A filter's function and the types of its settings; those after `required` may be left out."""

    function: Callable[..., str]
    takes: tuple[type, ...] = ()
    required: int = 0

    def apply(self, value: Shown, *arguments: Any) -> Shown:
        text = self.function(value, *arguments)
        return Shown(value.raw if text == value.text else text, text, value.parts if text == value.text else ())

    def fault(self, arguments: list[str | int]) -> str:
        """A sentence about settings that do not fit; "" when they do."""
        if not self.required <= len(arguments) <= len(self.takes):
            return _("A filter has the wrong number of settings: it takes %(least)d to %(most)d.") % {
                "least": self.required,
                "most": len(self.takes),
            }
        for argument, kind in zip(arguments, self.takes, strict=False):
            if type(argument) is not kind:
                return _("“%(value)s” does not fit as the setting of a filter.") % {"value": str(argument)[:100]}
            if isinstance(argument, int) and not 0 <= argument <= 10_000:
                return _("%(value)d is out of range for a filter. Use 0 to 10,000.") % {"value": argument}
        return ""


def default(value: Shown, otherwise: str) -> str:
    return value.text or otherwise


def date(value: Shown, pattern: str = "%Y-%m-%d") -> str:
    """A date by Liquid's codes ("%d %B %Y"); what is not a date stays as it is."""
    moment = as_moment(value.raw)
    if moment is None:
        return value.text
    return DATE_CODE.sub(lambda code: date_part(moment, code.group(1)), pattern)


def date_part(moment: Any, code: str | None) -> str:
    if code is None:
        return "%"
    known = DATE_CODES.get(code)
    return format_date(moment, known) if known else ""


def as_moment(raw: Any) -> dt.datetime | None:
    """A date or datetime (also as ISO text) as a datetime in the current zone."""
    if isinstance(raw, str):
        try:
            raw = parse_datetime(raw) or parse_date(raw)
        except ValueError:
            return None
    if isinstance(raw, dt.datetime):
        return timezone.localtime(raw) if timezone.is_aware(raw) else raw
    return dt.datetime.combine(raw, dt.time(), timezone.get_current_timezone()) if isinstance(raw, dt.date) else None


def number(value: Shown, decimals: int = 0) -> str:
    """A number with so many decimals; what is not a number stays as it is."""
    try:
        amount = Decimal(str(value.raw))
    except InvalidOperation:
        return value.text
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 30:
        return value.text
    return number_format(amount, decimal_pos=min(decimals, 12), use_l10n=True, force_grouping=True)


def truncate(value: Shown, length: int = 50, ending: str = "…") -> str:
    text = value.text
    return text if len(text) <= length else text[: max(length - len(ending), 0)] + ending


def upper(value: Shown) -> str:
    return value.text.upper()


def lower(value: Shown) -> str:
    return value.text.lower()


def title(value: Shown) -> str:
    return value.text[:1].upper() + value.text[1:]


def url_encode(value: Shown) -> str:
    return quote(value.text, safe="")


FILTERS = {
    "default": Filter(default, (str,), 1),
    "date": Filter(date, (str,)),
    "number": Filter(number, (int,)),
    "truncate": Filter(truncate, (int, str)),
    "upper": Filter(upper),
    "upcase": Filter(upper),
    "lower": Filter(lower),
    "downcase": Filter(lower),
    "title": Filter(title),
    "capitalize": Filter(title),
    "urlencode": Filter(url_encode),
    "url_encode": Filter(url_encode),
}
