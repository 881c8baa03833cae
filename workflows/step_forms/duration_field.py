"""A field for an amount of time: days, hours and minutes side by side."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class DurationWidget(forms.MultiWidget):
    """Days, hours and minutes side by side, each with its own name for screen readers."""

    use_fieldset = True
    UNITS = (("days", gettext_lazy("Days")), ("hours", gettext_lazy("Hours")), ("minutes", gettext_lazy("Minutes")))

    def __init__(self) -> None:
        inputs: dict[str, forms.Widget | type[forms.Widget]] = {
            unit: forms.NumberInput(attrs={"min": 0, "step": 1, "aria-label": label, "placeholder": label})
            for unit, label in self.UNITS
        }
        super().__init__(inputs)

    def decompress(self, value: Any) -> list[Any]:
        document = value if isinstance(value, dict) else {}
        return [document.get(unit) for unit, _label in self.UNITS]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The amount as a document: what was filled in by unit."""
        parts = super().value_from_datadict(data, files, name)
        return {unit: part for (unit, _label), part in zip(self.UNITS, parts, strict=True) if part not in (None, "")}


class DurationField(forms.Field):
    """An amount of time as {"days", "hours", "minutes"}; whole numbers, not negative, of each ten years at most."""

    LIMITS: ClassVar = {"days": 3_650, "hours": 3_650 * 24, "minutes": 3_650 * 1_440}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=DurationWidget(), **kwargs)

    def to_python(self, value: Any) -> dict[str, int]:
        if value in (None, ""):
            return {}
        if not isinstance(value, dict) or set(value) - set(self.LIMITS):
            message = _("%(value)r is not an amount of time. Write it like {'days': 2}.")
            raise ValidationError(message % {"value": value})
        return {unit: self.whole(amount, self.LIMITS[unit]) for unit, amount in value.items()}

    def whole(self, amount: Any, limit: int) -> int:
        text = str(amount).strip()
        if isinstance(amount, bool) or not (text.isascii() and text.isdigit()):
            message = _("“%(value)s” is not a whole number of days, hours or minutes.")
            raise ValidationError(message % {"value": amount})
        digits = text.lstrip("0") or "0"
        if len(digits) > len(str(limit)) or int(digits) > limit:
            message = _("%(value)s is too large. Send %(limit)s or less.")
            raise ValidationError(message % {"value": amount, "limit": limit})
        return int(digits)

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        units = {unit: {"type": "integer", "minimum": 0, "maximum": limit} for unit, limit in self.LIMITS.items()}
        return {"type": "object", "properties": units, "additionalProperties": False}
