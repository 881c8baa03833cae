"""Operators of every type: known, blank, and when the value last changed (OPR-01..07)."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, Lookup, Q, Value
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.crossing import journal_crossings_of
from records.criteria.dependencies import Crossing
from records.criteria.expressions import changes_of, journal_value, known, last_change
from records.criteria.operands import Days, Other, When, Zone
from records.criteria.operators.base import FAMILIES, Operator, PropertyFilter, operators
from records.criteria.points import Span, instant_span
from records.criteria.tree import Context
from records.criteria.value_sets import EVERYTHING, Listed, Passing, Spans


class AnyType(Operator):
    """Not about one value: the rule for blanks does not apply."""

    families = FAMILIES
    takes_blanks = False


@operators.register
class IsKnown(AnyType):
    slug, label = "is_known", gettext_lazy("is known")
    sentence = gettext_lazy("%(property)s is known")

    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        return known(leaf.property, context.extracted.get(leaf.property.slug))

    def passing(self, leaf: PropertyFilter, context: Context) -> Passing:
        return any_value(leaf)


@operators.register
class IsUnknown(AnyType):
    slug, label = "is_unknown", gettext_lazy("is unknown")
    sentence = gettext_lazy("%(property)s is unknown")

    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        return ~known(leaf.property, context.extracted.get(leaf.property.slug))

    def passing(self, leaf: PropertyFilter, context: Context) -> Passing:
        return ~any_value(leaf)


@operators.register
class IsBlank(AnyType):
    """Had a value that was emptied, as against never set (OPR-03)."""

    slug, label = "is_blank", gettext_lazy("is blank (was emptied)")
    sentence = gettext_lazy("%(property)s was emptied")
    needs_journal = True

    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        had = Q()
        for side in ("before", "after"):
            had |= known(leaf.property, journal_value(leaf.property, side))
        return ~known(leaf.property) & Q(Exists(changes_of(leaf.property, leaf.object_type).filter(had)))


@operators.register
class IsNotBlank(IsBlank):
    slug, label = "is_not_blank", gettext_lazy("is not blank (was not emptied)")
    sentence = gettext_lazy("%(property)s was not emptied")

    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        return ~super().q(leaf, context)


class LastChange(AnyType):
    """Compares the time of the property's last change; a property that never changed is not met."""

    needs_journal = True

    @abstractmethod
    def compare(self, changed: Any, leaf: PropertyFilter, context: Context) -> Q:
        """The condition on the time of the last change, which is known."""

    def crossed(self, leaf: PropertyFilter, before: Context, after: Context) -> Iterator[Crossing]:
        return journal_crossings_of(leaf, self.edges(leaf, before), self.edges(leaf, after), after.zone)

    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        changed = last_change(leaf.property, leaf.object_type)
        return Q(IsNull(changed, False)) & self.compare(changed, leaf, context)


@operators.register
class UpdatedInLastDays(LastChange):
    slug, label = "updated_in_last_days", gettext_lazy("updated in the last days")
    sentence = gettext_lazy("%(property)s was updated in the last %(value)s days")
    operands = (Days(),)

    def compare(self, changed: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(GreaterThanOrEqual(changed, Value(self.edges(leaf, context)[0].start)))

    def edges(self, leaf: PropertyFilter, context: Context) -> list[Span]:
        return [instant_span(context.now - dt.timedelta(days=leaf.values["value"]), context.zone)]


@operators.register
class NotUpdatedInLastDays(UpdatedInLastDays):
    """The complement: also true of what never changed (OPR-05)."""

    slug, label = "not_updated_in_last_days", gettext_lazy("not updated in the last days")
    sentence = gettext_lazy("%(property)s was not updated in the last %(value)s days")

    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        return ~super().q(leaf, context)


@operators.register
class UpdatedBefore(LastChange):
    slug, label = "updated_before", gettext_lazy("updated before")
    sentence = gettext_lazy("%(property)s was last updated before %(value)s")
    operands = (When(label=gettext_lazy("date")), Zone())

    def compare(self, changed: Any, leaf: PropertyFilter, context: Context) -> Q:
        return Q(LessThan(changed, Value(leaf.values["value"].span(context).start)))


@operators.register
class UpdatedAfter(LastChange):
    slug, label = "updated_after", gettext_lazy("updated after")
    sentence = gettext_lazy("%(property)s was last updated after %(value)s")
    operands = (When(label=gettext_lazy("date")), Zone())

    def compare(self, changed: Any, leaf: PropertyFilter, context: Context) -> Q:
        span = leaf.values["value"].span(context)
        lookup = GreaterThan if span.start == span.end else GreaterThanOrEqual
        return Q(lookup(changed, Value(span.end)))


@operators.register
class UpdatedBetween(LastChange):
    """Both ends included, whether they are days or instants."""

    slug, label = "updated_between", gettext_lazy("updated between")
    sentence = gettext_lazy("%(property)s was last updated between %(from)s and %(to)s")
    operands = (When("from", gettext_lazy("from")), When("to", gettext_lazy("to")), Zone())

    def compare(self, changed: Any, leaf: PropertyFilter, context: Context) -> Q:
        low, high = leaf.values["from"].span(context), leaf.values["to"].span(context)
        lookup = LessThanOrEqual if high.start == high.end else LessThan
        return Q(GreaterThanOrEqual(changed, Value(low.start))) & Q(lookup(changed, Value(high.end)))

    def faults(self, values: dict[str, Any]) -> dict[str, str]:
        return reversed_points(values)


@operators.register
class UpdatedBeforeProperty(LastChange):
    slug, label = "updated_before_property", gettext_lazy("updated before another property")
    sentence = gettext_lazy("%(property)s was last updated before %(other)s was")
    operands = (Other(any_family=True),)
    lookup: type[Lookup[Any]] = LessThan

    def compare(self, changed: Any, leaf: PropertyFilter, context: Context) -> Q:
        other = last_change(leaf.values["other"], leaf.object_type)
        return Q(IsNull(other, False)) & Q(self.lookup(changed, other))


@operators.register
class UpdatedAfterProperty(UpdatedBeforeProperty):
    slug, label = "updated_after_property", gettext_lazy("updated after another property")
    sentence = gettext_lazy("%(property)s was last updated after %(other)s was")
    lookup = GreaterThan


def any_value(leaf: PropertyFilter) -> Passing:
    """Every value that is one."""
    ordered = leaf.property.kind.family in ("number", "date")
    every = frozenset((True, False)) if leaf.property.kind.family == "boolean" else None
    return Passing(Spans((EVERYTHING,)) if ordered else Listed(frozenset(), False, every))


def reversed_points(values: dict[str, Any]) -> dict[str, str]:
    """A fault when both ends are fixed and the first is later."""
    low, high = values["from"], values["to"]
    both_days = low.day and high.day and low.day > high.day
    both_instants = low.instant and high.instant and low.instant > high.instant
    if both_days or both_instants:
        message = _("The period from %(from)s to %(to)s ends before it begins. Swap the two.")
        return {"to": message % {"from": low.display(), "to": high.display()}}
    return {}
