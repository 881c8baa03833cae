"""Operators of texts, without regard to case (OPR-09..20). What a user types is never a pattern."""

from __future__ import annotations

import functools
import operator as logic
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import Exact, In
from django.utils.translation import gettext_lazy

from records.criteria.expressions import Holds, known, value_of
from records.criteria.operands import Other, Phrase, Phrases, Several
from records.criteria.operators.base import Comparison, PropertyFilter, operators
from records.criteria.tree import Context
from records.criteria.value_sets import ValueSet, listed

TEXT = ("text",)
TEXT_FIELD = TextField()


class Small(Value):
    """A text in small letters, by the database's own rules, as on the other side of a comparison."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "LOWER(%s::text)", (self.value,)


def lowered(value: Any) -> Any:
    """A value in small letters."""
    small = getattr(value, "small", None)
    return Lower(Cast(value, TextField())) if small is None else small


def any_of(conditions: Iterable[Q]) -> Q:
    return functools.reduce(logic.or_, conditions)


def like(value: Any, pattern: str, phrase: str) -> Q:
    """Whether the text is like `pattern` with the phrase, taken literally, in the place of {}."""
    literal = phrase.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Q(Holds(lowered(value), "LIKE", Small(pattern.format(literal), output_field=TEXT_FIELD)))


def whole_phrase(phrase: str) -> str:
    """A PostgreSQL regular expression for the phrase between the edges of words; every sign stands for itself.

    It has no capital letters of its own, so that it survives `lower()`.
    """
    literal = "".join(f"\\{sign}" if sign.isascii() and not sign.isalnum() else sign for sign in phrase)
    return f"(^|[^[:alnum:]_]){literal}($|[^[:alnum:]_])"


@operators.register
class IsEqualToAnyOf(Comparison):
    slug, label, families = "is_equal_to_any_of", gettext_lazy("is equal to any of"), TEXT
    sentence = gettext_lazy("%(property)s is equal to any of %(value)s")
    operands = (Several(),)
    cost = 3

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        small = lowered(value)
        wanted = [Small(text, output_field=TEXT_FIELD) for text in leaf.values["value"]]
        return Q(In(small, wanted) if len(wanted) > 1 else Exact(small, wanted[0]))

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet | None:
        """What is a small letter is known of those of ASCII alone: of others the database has its own rules."""
        texts = leaf.values["value"]
        return listed(text.lower() for text in texts) if all(text.isascii() for text in texts) else None


@operators.register
class IsNotEqualToAnyOf(IsEqualToAnyOf):
    slug, label = "is_not_equal_to_any_of", gettext_lazy("is not equal to any of")
    sentence = gettext_lazy("%(property)s is not equal to any of %(value)s")
    negative = True


@operators.register
class ContainsAnyOf(Comparison):
    slug, label, families = "contains_any_of", gettext_lazy("contains any of"), TEXT
    sentence = gettext_lazy("%(property)s contains any of %(value)s")
    operands = (Phrases(),)
    pattern = "%{}%"
    cost = 6

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return any_of(like(value, self.pattern, phrase) for phrase in leaf.values["value"])


@operators.register
class DoesNotContainAnyOf(ContainsAnyOf):
    slug, label = "does_not_contain_any_of", gettext_lazy("does not contain any of")
    sentence = gettext_lazy("%(property)s does not contain any of %(value)s")
    negative = True


@operators.register
class ContainsExactly(Comparison):
    """The whole phrase, between the edges of words (OPR-13)."""

    slug, label, families = "contains_exactly", gettext_lazy("contains exactly"), TEXT
    sentence = gettext_lazy("%(property)s contains exactly %(value)s")
    operands = (Phrase(label=gettext_lazy("phrase")),)
    cost = 30

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(Holds(lowered(value), "~", Small(whole_phrase(leaf.values["value"]), output_field=TEXT_FIELD)))


@operators.register
class DoesNotContainExactly(ContainsExactly):
    slug, label = "does_not_contain_exactly", gettext_lazy("does not contain exactly")
    sentence = gettext_lazy("%(property)s does not contain exactly %(value)s")
    negative = True


@operators.register
class StartsWithAnyOf(ContainsAnyOf):
    slug, label = "starts_with_any_of", gettext_lazy("starts with any of")
    sentence = gettext_lazy("%(property)s starts with any of %(value)s")
    pattern = "{}%"


@operators.register
class EndsWithAnyOf(ContainsAnyOf):
    slug, label = "ends_with_any_of", gettext_lazy("ends with any of")
    sentence = gettext_lazy("%(property)s ends with any of %(value)s")
    pattern = "%{}"


@operators.register
class HasEverBeenEqualToAnyOf(IsEqualToAnyOf):
    slug, label = "has_ever_been_equal_to_any_of", gettext_lazy("has ever been equal to any of")
    sentence = gettext_lazy("%(property)s has ever been equal to any of %(value)s")
    ever = True


@operators.register
class HasNeverBeenEqualToAnyOf(HasEverBeenEqualToAnyOf):
    slug, label = "has_never_been_equal_to_any_of", gettext_lazy("has never been equal to any of")
    sentence = gettext_lazy("%(property)s has never been equal to any of %(value)s")
    negative = True


@operators.register
class HasEverContained(ContainsAnyOf):
    slug, label = "has_ever_contained", gettext_lazy("has ever contained")
    sentence = gettext_lazy("%(property)s has ever contained %(value)s")
    ever = True


@operators.register
class HasNeverContained(HasEverContained):
    slug, label = "has_never_contained", gettext_lazy("has never contained")
    sentence = gettext_lazy("%(property)s has never contained %(value)s")
    negative = True


@operators.register
class IsEqualToProperty(Comparison):
    """Another text of the same record; a blank one equals nothing."""

    slug, label, families = "is_equal_to_property", gettext_lazy("is equal to another property"), TEXT
    sentence = gettext_lazy("%(property)s is equal to %(other)s")
    operands = (Other(),)

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        other = leaf.values["other"]
        return known(other) & Q(Exact(lowered(value), lowered(value_of(other))))


@operators.register
class IsNotEqualToProperty(IsEqualToProperty):
    slug, label = "is_not_equal_to_property", gettext_lazy("is not equal to another property")
    sentence = gettext_lazy("%(property)s is not equal to %(other)s")
    negative = True
