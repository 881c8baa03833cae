"""Operators of selects and users (OPR-30..32, OPR-39)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.db.models.lookups import In
from django.utils.translation import gettext_lazy

from records.criteria.operands import Operand, Several
from records.criteria.operators.base import Comparison, PropertyFilter, operators
from records.criteria.tree import Context
from records.criteria.value_sets import ValueSet, listed


class ChoiceOperator(Comparison):
    families: tuple[str, ...] = ("select", "user")
    operands: tuple[Operand, ...] = (Several(),)

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(In(value, leaf.values["value"]))

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet | None:
        return listed(leaf.values["value"])


@operators.register
class IsAnyOf(ChoiceOperator):
    slug, label = "is_any_of", gettext_lazy("is any of")
    sentence = gettext_lazy("%(property)s is any of %(value)s")


@operators.register
class IsNoneOf(ChoiceOperator):
    slug, label = "is_none_of", gettext_lazy("is none of")
    sentence = gettext_lazy("%(property)s is none of %(value)s")
    negative = True


@operators.register
class HasEverBeenAnyOf(ChoiceOperator):
    slug, label = "has_ever_been_any_of", gettext_lazy("has ever been any of")
    sentence = gettext_lazy("%(property)s has ever been any of %(value)s")
    ever = True


@operators.register
class HasNeverBeenAnyOf(HasEverBeenAnyOf):
    slug, label = "has_never_been_any_of", gettext_lazy("has never been any of")
    sentence = gettext_lazy("%(property)s has never been any of %(value)s")
    negative = True
