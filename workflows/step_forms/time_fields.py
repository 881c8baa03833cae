"""Fields of a step's params for times: of day, on the wall of a zone, weekdays, days before or after."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS as WEEKDAY_LABELS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.step_forms.forms import ChoiceField, offered
from workflows.step_forms.params import StepContext
from workflows.times.wall_time import OFFSET_LIMIT, WEEKDAYS, time_of, workflow_zone

ZONE = "time_zone"
#: The days of the week to choose from, in the week's order.
WEEKDAY_CHOICES = [(slug, WEEKDAY_LABELS[number]) for number, slug in enumerate(WEEKDAYS)]


class TimeField(forms.Field):
    """A time of day as "09:00"; cleaned it is a time, None where it is left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}), **kwargs)

    def to_python(self, value: Any) -> dt.time | None:
        if value in self.empty_values or isinstance(value, dt.time):
            return value or None
        time = time_of(value)
        if time is None:
            raise ValidationError(_("%(value)r is not a time of day. Write it like 09:00.") % {"value": value})
        return time

    def to_json(self, value: Any) -> Any:
        return value.strftime("%H:%M") if isinstance(value, dt.time) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}


class MomentField(forms.Field):
    """A date and time as clocks show it, "2027-05-01T09:00", in a zone that is given elsewhere.

    Cleaned it is a naive datetime; a date alone means its beginning.
    """

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        super().__init__(widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """A stored moment as the control wants it: always with a time."""
        moment = moment_of(value)
        return value if moment is None else moment.strftime("%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> dt.datetime | None:
        if value in self.empty_values:
            return None
        moment = moment_of(value)
        if moment is None:
            message = _("%(value)r is not a date and time without a zone. Write it like 2027-05-01T09:00.")
            raise ValidationError(message % {"value": value})
        return moment

    def to_json(self, value: Any) -> Any:
        return value.isoformat(timespec="minutes") if isinstance(value, dt.datetime) else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$"}


def moment_of(value: Any) -> dt.datetime | None:
    """The wall time a text means, None when it is none."""
    if isinstance(value, dt.datetime):
        return value
    text = value.strip() if isinstance(value, str) else ""
    for pattern in ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            parts = time.strptime(text, pattern)
        except ValueError:
            continue
        # A wall time: it has no zone.
        return dt.datetime.combine(dt.date(*parts[:3]), dt.time(*parts[3:5]))
    return None


class WeekdaysField(forms.MultipleChoiceField):
    """Days of the week as ["mon", "tue"], in the week's order."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=WEEKDAY_CHOICES, widget=forms.CheckboxSelectMultiple, **kwargs)

    def to_python(self, value: Any) -> list[str]:
        days = super().to_python([value] if isinstance(value, str) and value else value)
        return sorted(set(days), key=lambda day: WEEKDAYS.index(day) if day in WEEKDAYS else len(WEEKDAYS))

    def validate(self, value: list[str]) -> None:
        for day in value:
            if day not in WEEKDAYS:
                message = _("%(value)r is not a day of the week. Use: %(known)s.")
                raise ValidationError(message % {"value": day, "known": ", ".join(WEEKDAYS)})
        super().validate(value)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        days = {"type": "string", "enum": list(WEEKDAYS)}
        return {"type": "array", "items": days, "uniqueItems": True, "minItems": 1 if self.required else 0}


def weekday_names(days: Any) -> list[str]:
    """The days in the person's language, in the week's order; what is no day of the week is left out."""
    listed = days if isinstance(days, list) else []
    return [str(WEEKDAY_LABELS[number]) for number, slug in enumerate(WEEKDAYS) if slug in listed]


class ZoneField(ChoiceField):
    """Whose clocks count: the workflow's, or the record's where its object type has a time zone.

    A record without one, or with one nobody knows, follows the workflow's.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Time zone"))
        super().__init__(choices=zone_choices(gettext_lazy("The workflow’s")), required=False, **kwargs)

    def use_context(self, context: StepContext) -> None:
        zone = workflow_zone(context.definition.settings)
        choices = zone_choices(_("The workflow’s (%(zone)s)") % {"zone": zone.key})
        self.choices = choices if ZONE in context.properties else choices[:1]

    def validate(self, value: Any) -> None:
        if value == "record" and "record" not in offered(self):
            raise ValidationError(_("These records have no time zone of their own. Use “workflow”."))
        super().validate(value)


def zone_choices(workflow: Any) -> list[tuple[str, Any]]:
    return [("workflow", workflow), ("record", gettext_lazy("The record’s; the workflow’s where it has none"))]


class OffsetWidget(forms.MultiWidget):
    """How many days, and whether before or after."""

    use_fieldset = True

    def __init__(self) -> None:
        number = forms.NumberInput(
            attrs={"min": 0, "max": OFFSET_LIMIT, "step": 1, "aria-label": gettext_lazy("Number of days")}
        )
        sides = [("after", gettext_lazy("days after it")), ("before", gettext_lazy("days before it"))]
        side = forms.Select(choices=sides, attrs={"aria-label": gettext_lazy("Before or after")})
        super().__init__({"days": number, "side": side})

    def decompress(self, value: Any) -> list[Any]:
        if isinstance(value, bool) or not isinstance(value, int):
            return [value, "after"]
        return [abs(value), "before" if value < 0 else "after"]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The days as one number, negative for before; what is no whole number as it was sent."""
        days, side = super().value_from_datadict(data, files, name)
        text = str(days or "").strip()
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            return days
        return -int(text) if side == "before" else int(text)


class OffsetField(forms.Field):
    """A number of days after something, negative for before."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=OffsetWidget(), **kwargs)

    def to_python(self, value: Any) -> int:
        if value in self.empty_values:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > OFFSET_LIMIT:
            message = _("%(value)r is not a number of days. Use a whole number from -%(limit)d to %(limit)d.")
            raise ValidationError(message % {"value": value, "limit": OFFSET_LIMIT})
        return value

    def to_json(self, value: Any) -> Any:
        return value or None

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": -OFFSET_LIMIT, "maximum": OFFSET_LIMIT}
