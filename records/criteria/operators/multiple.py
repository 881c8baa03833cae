"""Operators of multi-selects: sets of options (OPR-33..38)."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import JSONField, Q, TextField, Value
from django.utils.translation import gettext_lazy

from records.criteria.expressions import Holds
from records.criteria.operands import Operand, Several
from records.criteria.operators import choices
from records.criteria.operators.base import Comparison, PropertyFilter, operators
from records.criteria.tree import Context
from records.criteria.value_sets import ValueSet


class SetOperator(Comparison):
    families: tuple[str, ...] = ("multi_select",)
    operands: tuple[Operand, ...] = (Several(),)

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet | None:
        return None  # A value is a set of options here: these would be sets of sets.


class Intersects(SetOperator):
    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(Holds(value, "?|", Value(leaf.values["value"], output_field=ArrayField(TextField()))))


class Equals(SetOperator):
    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        wanted = Value(leaf.values["value"], output_field=JSONField())
        return Q(Holds(value, "@>", wanted)) & Q(Holds(value, "<@", wanted))


class Includes(SetOperator):
    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(Holds(value, "@>", Value(leaf.values["value"], output_field=JSONField())))


@operators.register
class IsAnyOf(Intersects, choices.IsAnyOf):
    """With at least one of the options."""


@operators.register
class IsNoneOf(Intersects, choices.IsNoneOf):
    """With none of the options."""


@operators.register
class IsExactly(Equals):
    slug, label = "is_exactly", gettext_lazy("is exactly")
    sentence = gettext_lazy("%(property)s is exactly the set %(value)s")


@operators.register
class IsNotExactly(Equals):
    slug, label = "is_not_exactly", gettext_lazy("is not exactly")
    sentence = gettext_lazy("%(property)s is not exactly the set %(value)s")
    negative = True


@operators.register
class ContainsAll(Includes):
    slug, label = "contains_all", gettext_lazy("contains all of")
    sentence = gettext_lazy("%(property)s contains all of %(value)s")


@operators.register
class DoesNotContainAll(Includes):
    slug, label = "does_not_contain_all", gettext_lazy("does not contain all of")
    sentence = gettext_lazy("%(property)s does not contain all of %(value)s")
    negative = True


@operators.register
class HasEverBeenAnyOf(Intersects, choices.HasEverBeenAnyOf):
    """With at least one of the options at some time."""


@operators.register
class HasNeverBeenAnyOf(Intersects, choices.HasNeverBeenAnyOf):
    """With none of the options at any time."""


@operators.register
class HasEverBeenExactly(Equals):
    slug, label = "has_ever_been_exactly", gettext_lazy("has ever been exactly")
    sentence = gettext_lazy("%(property)s has ever been exactly the set %(value)s")
    ever = True


@operators.register
class HasNeverBeenExactly(HasEverBeenExactly):
    slug, label = "has_never_been_exactly", gettext_lazy("has never been exactly")
    sentence = gettext_lazy("%(property)s has never been exactly the set %(value)s")
    negative = True


@operators.register
class HasEverContainedAll(Includes):
    slug, label = "has_ever_contained_all", gettext_lazy("has ever contained all of")
    sentence = gettext_lazy("%(property)s has ever contained all of %(value)s")
    ever = True


@operators.register
class HasNeverContainedAll(HasEverContainedAll):
    slug, label = "has_never_contained_all", gettext_lazy("has never contained all of")
    sentence = gettext_lazy("%(property)s has never contained all of %(value)s")
    negative = True
