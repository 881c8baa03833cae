"""The kinds of values formulas compute with, and how each is written as text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from workflows.texts.token_values import Shown

TEXT, NUMBER, DATE, DATETIME, BOOLEAN, BLANK = "text", "number", "date", "datetime", "boolean", "blank"
#: Every kind a value can have, as people call it. They are also the types of properties that hold results.
KINDS: dict[str, str | Promise] = {
    TEXT: gettext_lazy("text"),
    NUMBER: gettext_lazy("a number"),
    DATE: gettext_lazy("a date"),
    DATETIME: gettext_lazy("a date and time"),
    BOOLEAN: gettext_lazy("yes or no"),
}
#: What a function of one kind turns another kind into it.
REMEDIES: dict[str, str | Promise] = {
    TEXT: gettext_lazy("Write text(…) around it."),
    NUMBER: gettext_lazy("Write number(…) around it."),
    DATE: gettext_lazy("Write date(…) around it."),
    DATETIME: gettext_lazy("Write at(…, “09:00”) around a date."),
    BOOLEAN: gettext_lazy("Write a comparison, like contact.city = “Oslo”."),
}
TYPES: dict[str, tuple[type[Any], ...]] = {
    TEXT: (str,), NUMBER: (Decimal,), DATE: (dt.date,), DATETIME: (dt.datetime,), BOOLEAN: (bool,),
}  # fmt: skip

Value = str | Decimal | dt.date | bool | None


def kind_of(prop: Property) -> str:
    """The kind a property's values have in formulas; options and users are the texts people read."""
    if prop.kind.family == "number":
        return NUMBER
    return prop.type if prop.type in (DATE, DATETIME, BOOLEAN) else TEXT


def value_of(shown: Shown | None, kind: str) -> Value:
    """A value of a record as one of a kind; None when it is blank or cannot be read as such."""
    if shown is None or shown.raw is None:
        return None
    if kind == TEXT:
        return shown.text or None
    raw: Any = shown.raw
    if kind == NUMBER and isinstance(raw, int | float | Decimal) and not isinstance(raw, bool):
        number = Decimal(str(raw))
        return number if number.is_finite() else None
    if kind == DATE and isinstance(raw, dt.datetime):
        return None
    return raw if isinstance(raw, TYPES[kind]) else None


def written(value: Value) -> str:
    """A value as text: numbers in plain digits, dates year-month-day; "" for a blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, dt.date) else value


def named(kinds: tuple[str, ...]) -> str:
    """ "a date or a date and time"."""
    return get_text_list([str(KINDS[kind]) for kind in kinds], _("or"))
