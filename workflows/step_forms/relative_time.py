"""A field for a moment counted from when the step runs (CRM-07, CRM-08)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Property
from workflows.step_forms.time_fields import WEEKDAY_CHOICES
from workflows.times.relative import LIMITS, NOW, UNIT_LABELS, WHENS, moment_of
from workflows.times.wall_time import WEEKDAYS, time_of, workflow_zone

DATES = ("date", "datetime")
KEYS = ("when", "amount", "unit", "weekdays", "at")
WHEN_LABELS = (
    gettext_lazy("The moment the step runs"),
    gettext_lazy("So long after it"),
    gettext_lazy("So long before it"),
)


class Weekdays(forms.CheckboxSelectMultiple):
    use_fieldset = True


class RelativeTimeWidget(forms.MultiWidget):
    """From when, how much of which unit, on which weekdays, and at what time of day."""

    use_fieldset = True

    def __init__(self) -> None:
        whens = [("", "—"), *zip(WHENS, WHEN_LABELS, strict=True)]
        longest = max(LIMITS.values())
        widgets: dict[str, Any] = {
            "when": forms.Select(choices=whens, attrs={"aria-label": gettext_lazy("Which moment")}),
            "amount": forms.NumberInput(
                attrs={"min": 0, "max": longest, "step": 1, "aria-label": gettext_lazy("How much time")}
            ),
            "unit": forms.Select(choices=list(UNIT_LABELS.items()), attrs={"aria-label": gettext_lazy("Unit")}),
            "weekdays": Weekdays(choices=WEEKDAY_CHOICES, attrs={"class": "flow-days"}),
            "at": forms.TimeInput(
                format="%H:%M", attrs={"type": "time", "aria-label": gettext_lazy("At this time of day")}
            ),
        }
        super().__init__(widgets)

    def decompress(self, value: Any) -> list[Any]:
        document = value if isinstance(value, dict) else {}
        return [
            document.get("when"),
            document.get("amount"),
            document.get("unit") or "days",
            *map(document.get, KEYS[3:]),
        ]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was chosen as a document; {} while no moment is chosen."""
        when, amount, unit, weekdays, at = super().value_from_datadict(data, files, name)
        if not when:
            return {}
        found: dict[str, Any] = {"when": when}
        if when != NOW:
            text = str(amount or "").strip()
            whole = text.isascii() and text.isdigit() and len(text) < 10
            found |= {"amount": int(text) if whole else text, "unit": unit}
        if weekdays:
            found["weekdays"] = weekdays
        return found | ({"at": at} if at else {})


class RelativeTimeField(forms.Field):
    """A moment counted from when the step runs, as {"when": "after", "amount": 3, "unit": "days", "at": "09:00"}."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=RelativeTimeWidget(), **kwargs)

    def to_python(self, value: Any) -> dict[str, Any]:
        return cleaned(value) if value not in self.empty_values else {}

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "when": {"type": "string", "enum": list(WHENS)},
                "amount": {"type": "integer", "minimum": 0},
                "unit": {"type": "string", "enum": list(LIMITS)},
                "weekdays": {"type": "array", "items": {"type": "string", "enum": list(WEEKDAYS)}},
                "at": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
            },
            "additionalProperties": False,
        }


def cleaned(value: Any) -> dict[str, Any]:
    """A setting that can be carried out. Raises ValidationError saying what does not fit, and what would."""
    if not isinstance(value, dict) or set(value) - set(KEYS) or value.get("when") not in WHENS:
        message = _("%(value)r is no moment. Write it like {'when': 'after', 'amount': 3, 'unit': 'days'}.")
        raise ValidationError(message % {"value": value})
    found = {key: part for key, part in value.items() if part not in (None, "", [])}
    if found["when"] == NOW:
        if {"amount", "unit"} & found.keys():
            raise ValidationError(_("The moment the step runs takes no amount of time. Leave it out."))
    else:
        amount_of(found)
    for day in found.get("weekdays", ()):
        if day not in WEEKDAYS:
            message = _("%(value)r is not a day of the week. Use: %(known)s.")
            raise ValidationError(message % {"value": day, "known": ", ".join(WEEKDAYS)})
    if "at" in found and time_of(found["at"]) is None:
        raise ValidationError(_("%(value)r is not a time of day. Write it like 09:00.") % {"value": found["at"]})
    return found


def amount_of(found: dict[str, Any]) -> None:
    unit, amount = found.get("unit"), found.get("amount")
    if unit not in LIMITS:
        message = _("%(value)r is no unit of time. Use one of: %(known)s.")
        raise ValidationError(message % {"value": unit, "known": ", ".join(LIMITS)})
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= LIMITS[unit]:
        message = _("%(value)r is not a number of %(unit)s. Use a whole number from 0 to %(limit)d.")
        facts = {"value": amount, "unit": UNIT_LABELS[unit], "limit": LIMITS[unit]}
        raise ValidationError(message % facts)


def value_for(prop: Property, document: dict[str, Any], now: dt.datetime, settings: dict[str, Any]) -> Any:
    """The moment as a value of a date property, by the clocks of the workflow's zone."""
    zone = workflow_zone(settings)
    moment = moment_of(document, now, zone)
    return moment.astimezone(zone).date() if prop.type == "date" else moment
