"""What may be copied into what, and how a value changes on the way (CRM-09)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from records.properties import Property

TEXTS = {"text", "multi_line", "email", "phone", "url"}
PLAIN = {"text", "multi_line"}
NUMBERS = {"number", "currency"}
DATES = {"date", "datetime"}


def fault(source: Property, target: Property, *, same_record: bool = True) -> str:
    """Why one property can never be copied into another (of the same record), as a sentence; "" when it can."""
    facts = {"source": source.label, "target": target.label}
    if same_record and source.slug == target.slug:
        return _("%(source)s cannot be copied into itself. Choose another property.") % facts
    if fits(source, target):
        return ""
    facts |= {"source_type": source.kind.label, "target_type": target.kind.label}
    message = _("%(source)s (%(source_type)s) cannot be copied into %(target)s (%(target_type)s).")
    return message % facts


def fits(source: Property, target: Property) -> bool:
    """The matrix: equal types; any text, number, date, option or user into plain text; text into narrower text."""
    if source.type == target.type or {source.type, target.type} <= NUMBERS or {source.type, target.type} <= DATES:
        return True
    if target.type in PLAIN:
        return source.type != "multi_select"
    if target.type in TEXTS:
        return source.type in TEXTS
    return {source.type, target.type} <= {"select", "multi_select"} | PLAIN and source.type not in PLAIN


def convert(value: Any, source: Property, target: Property) -> Any:
    """One value of `source` as a value of `target`; ValueError with a sentence when this one does not fit.

    A date becomes midnight UTC, a datetime loses its time; an option must exist on the other side.
    """
    if value is None:
        return None
    if target.type == "date" and isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).date()
    if target.type == "datetime" and not isinstance(value, dt.datetime) and isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if target.type in PLAIN and source.type not in TEXTS:
        return source.display(value)
    if target.type == "multi_select" and isinstance(value, str):
        return target.clean([value])
    if target.type == "select" and isinstance(value, list):
        if len(value) > 1:
            message = _("%(target)s holds one option, but there are %(count)d.")
            raise ValueError(message % {"target": target.label, "count": len(value)})
        return target.clean(value[0] if value else None)
    return value if source.type == target.type == "user" else target.clean(value)


def together(before: Any, added: Any) -> list[str] | None:
    """The options there are, and after them those that are new; the order is kept."""
    return list(dict.fromkeys([*(before or ()), *(added or ())])) or None
