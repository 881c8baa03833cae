"""Number, currency and boolean."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.property_types.base import PropertyType, property_types

if TYPE_CHECKING:
    from records.properties import Property

TRUE = {"true", "yes", "1", "on", "y", "t"}
FALSE = {"false", "no", "0", "off", "n", "f"}
LARGEST = Decimal(10) ** 18


@property_types.register
class Number(PropertyType):
    """A decimal number; JSON carries it as a number, storage keeps its exact digits."""

    slug = "number"
    label = gettext_lazy("Number")
    family = "number"
    decimals = 6

    def parse(self, raw: Any, prop: Property) -> Decimal:
        text = str(raw).strip().replace("\u00a0", "").replace(" ", "")
        if isinstance(raw, bool) or not text.isascii():
            text = ""
        if text.count(",") and text.count("."):
            text = text.replace(",", "")
        elif "," in text:
            head, _comma, tail = text.rpartition(",")
            text = f"{head}{tail}" if len(tail) == 3 and head.lstrip("-").isdigit() else f"{head}.{tail}"
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or abs(value) >= LARGEST:
            raise ValueError(_("“%(value)s” is not a number. Write it like 1234.5.") % {"value": raw})
        return value.quantize(Decimal(1).scaleb(-self.decimals)).normalize()

    def output_field(self) -> models.Field:
        return models.DecimalField(max_digits=24, decimal_places=self.decimals)

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        return forms.DecimalField(**kwargs)

    def from_storage(self, stored: Any) -> Decimal:
        return Decimal(str(stored))

    def to_storage(self, value: Any) -> Any:
        number = Decimal(str(value))
        return int(number) if number == number.to_integral_value() else float(number)

    def display(self, value: Any, prop: Property) -> str:
        return number_format(f"{Decimal(str(value)).normalize():f}", use_l10n=True, force_grouping=True)


@property_types.register
class Currency(Number):
    slug = "currency"
    label = gettext_lazy("Currency amount")
    decimals = 2

    def parse(self, raw: Any, prop: Property) -> Decimal:
        return super().parse(str(raw).strip("$€£ \u00a0") if isinstance(raw, str) else raw, prop)


@property_types.register
class Boolean(PropertyType):
    slug = "boolean"
    label = gettext_lazy("Yes or no")
    family = "boolean"

    def parse(self, raw: Any, prop: Property) -> bool:
        text = str(raw).strip().lower()
        if text not in TRUE | FALSE:
            raise ValueError(_("“%(value)s” is neither true nor false. Send true or false.") % {"value": raw})
        return text in TRUE

    def output_field(self) -> models.Field:
        return models.BooleanField()

    def form_field(self, prop: Property, **kwargs: Any) -> forms.Field:
        choices = [("", "—"), ("true", _("Yes")), ("false", _("No"))]
        return forms.TypedChoiceField(choices=choices, coerce=lambda text: text == "true", empty_value=None, **kwargs)

    def display(self, value: Any, prop: Property) -> str:
        return _("Yes") if value else _("No")
