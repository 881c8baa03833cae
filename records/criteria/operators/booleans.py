"""Operators of yes-or-no properties (OPR-27..29)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, Value
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy

from records.criteria.expressions import known, value_of
from records.criteria.operands import One, Other
from records.criteria.operators.base import Comparison, PropertyFilter, operators
from records.criteria.tree import Context
from records.criteria.value_sets import ValueSet, listed


class BooleanOperator(Comparison):
    families = ("boolean",)

    def wanted(self, leaf: PropertyFilter) -> Any:
        return Value(leaf.values["value"])

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(Exact(value, self.wanted(leaf)))


@operators.register
class IsTrue(BooleanOperator):
    slug, label = "is_true", gettext_lazy("is true")
    sentence = gettext_lazy("%(property)s is true")

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet:
        return listed([True], (True, False))

    def wanted(self, leaf: PropertyFilter) -> Any:
        return Value(True)


@operators.register
class IsFalse(BooleanOperator):
    """A blank is not false."""

    slug, label = "is_false", gettext_lazy("is false")
    sentence = gettext_lazy("%(property)s is false")

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet:
        return listed([False], (True, False))

    def wanted(self, leaf: PropertyFilter) -> Any:
        return Value(False)


@operators.register
class HasEverBeen(BooleanOperator):
    slug, label = "has_ever_been", gettext_lazy("has ever been")
    sentence = gettext_lazy("%(property)s has ever been “%(value)s”")
    operands = (One(),)
    ever = True


@operators.register
class HasNeverBeen(HasEverBeen):
    slug, label = "has_never_been", gettext_lazy("has never been")
    sentence = gettext_lazy("%(property)s has never been “%(value)s”")
    negative = True


@operators.register
class IsEqualToProperty(BooleanOperator):
    """Another yes-or-no property of the same record; a blank one equals nothing."""

    slug, label = "is_equal_to_property", gettext_lazy("is equal to another property")
    sentence = gettext_lazy("%(property)s is equal to %(other)s")
    operands = (Other(),)

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        other = leaf.values["other"]
        return known(other) & Q(Exact(value, value_of(other)))


@operators.register
class IsNotEqualToProperty(IsEqualToProperty):
    slug, label = "is_not_equal_to_property", gettext_lazy("is not equal to another property")
    sentence = gettext_lazy("%(property)s is not equal to %(other)s")
    negative = True
