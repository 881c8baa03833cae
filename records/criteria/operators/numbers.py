"""Operators of numbers and amounts (OPR-21..26). A blank is not 0 (TRG-26)."""

from __future__ import annotations

from typing import Any

from django.db.models import DecimalField, Q, Value
from django.db.models.functions import Cast
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.expressions import known, value_of
from records.criteria.operands import One, Operand, Other
from records.criteria.operators.base import Comparison, PropertyFilter, operators
from records.criteria.tree import Context
from records.criteria.value_sets import Spans

DIGITS = DecimalField(max_digits=24, decimal_places=6)


class NumberOperator(Comparison):
    families = ("number",)
    operands: tuple[Operand, ...] = (One(),)
    lookup: Any = Exact

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(self.lookup(value, Value(leaf.values["value"], output_field=DIGITS)))


@operators.register
class IsEqualTo(NumberOperator):
    slug, label = "is_equal_to", gettext_lazy("is equal to")
    sentence = gettext_lazy("%(property)s is equal to %(value)s")

    def lets(self, leaf: PropertyFilter, context: Context) -> Spans:
        return Spans.of(leaf.values["value"], leaf.values["value"])


@operators.register
class IsNotEqualTo(IsEqualTo):
    slug, label = "is_not_equal_to", gettext_lazy("is not equal to")
    sentence = gettext_lazy("%(property)s is not equal to %(value)s")
    negative = True


@operators.register
class IsGreaterThan(NumberOperator):
    slug, label = "is_greater_than", gettext_lazy("is greater than")
    sentence = gettext_lazy("%(property)s is greater than %(value)s")
    lookup = GreaterThan

    def lets(self, leaf: PropertyFilter, context: Context) -> Spans:
        return Spans.of(leaf.values["value"], low_in=False)


@operators.register
class IsGreaterThanOrEqualTo(NumberOperator):
    slug, label = "is_greater_than_or_equal_to", gettext_lazy("is greater than or equal to")
    sentence = gettext_lazy("%(property)s is greater than or equal to %(value)s")
    lookup = GreaterThanOrEqual

    def lets(self, leaf: PropertyFilter, context: Context) -> Spans:
        return Spans.of(leaf.values["value"])


@operators.register
class IsLessThan(NumberOperator):
    slug, label = "is_less_than", gettext_lazy("is less than")
    sentence = gettext_lazy("%(property)s is less than %(value)s")
    lookup = LessThan

    def lets(self, leaf: PropertyFilter, context: Context) -> Spans:
        return Spans.of(high=leaf.values["value"], high_in=False)


@operators.register
class IsLessThanOrEqualTo(NumberOperator):
    slug, label = "is_less_than_or_equal_to", gettext_lazy("is less than or equal to")
    sentence = gettext_lazy("%(property)s is less than or equal to %(value)s")
    lookup = LessThanOrEqual

    def lets(self, leaf: PropertyFilter, context: Context) -> Spans:
        return Spans.of(high=leaf.values["value"])


@operators.register
class IsBetween(NumberOperator):
    """Both bounds included."""

    slug, label = "is_between", gettext_lazy("is between")
    sentence = gettext_lazy("%(property)s is between %(from)s and %(to)s")
    operands = (One("from", gettext_lazy("from")), One("to", gettext_lazy("to")))

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        low = Value(leaf.values["from"], output_field=DIGITS)
        high = Value(leaf.values["to"], output_field=DIGITS)
        return Q(GreaterThanOrEqual(value, low)) & Q(LessThanOrEqual(value, high))

    def lets(self, leaf: PropertyFilter, context: Context) -> Spans:
        return Spans.of(leaf.values["from"], leaf.values["to"])

    def faults(self, values: dict[str, Any]) -> dict[str, str]:
        if values["from"] <= values["to"]:
            return {}
        message = _("The range from %(from)s to %(to)s is reversed. Swap the two.")
        return {"to": message % {"from": f"{values['from']:f}", "to": f"{values['to']:f}"}}


@operators.register
class IsNotBetween(IsBetween):
    slug, label = "is_not_between", gettext_lazy("is not between")
    sentence = gettext_lazy("%(property)s is not between %(from)s and %(to)s")
    negative = True


@operators.register
class HasEverBeenEqualTo(IsEqualTo):
    slug, label = "has_ever_been_equal_to", gettext_lazy("has ever been equal to")
    sentence = gettext_lazy("%(property)s has ever been equal to %(value)s")
    ever = True


@operators.register
class HasNeverBeenEqualTo(HasEverBeenEqualTo):
    slug, label = "has_never_been_equal_to", gettext_lazy("has never been equal to")
    sentence = gettext_lazy("%(property)s has never been equal to %(value)s")
    negative = True


@operators.register
class IsEqualToProperty(NumberOperator):
    """Another number of the same record; a blank one is not met."""

    slug, label = "is_equal_to_property", gettext_lazy("is equal to another property")
    sentence = gettext_lazy("%(property)s is equal to %(other)s")
    operands = (Other(),)

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        other = leaf.values["other"]
        return known(other) & Q(self.lookup(Cast(value, DIGITS), Cast(value_of(other), DIGITS)))


@operators.register
class IsGreaterThanProperty(IsEqualToProperty):
    slug, label = "is_greater_than_property", gettext_lazy("is greater than another property")
    sentence = gettext_lazy("%(property)s is greater than %(other)s")
    lookup = GreaterThan


@operators.register
class IsLessThanProperty(IsEqualToProperty):
    slug, label = "is_less_than_property", gettext_lazy("is less than another property")
    sentence = gettext_lazy("%(property)s is less than %(other)s")
    lookup = LessThan
