"""Operators of dates and of dates with time (OPR-40..47, OPR-50, OPR-51): days begin and end in a time zone."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from django.db.models import DateField, Q, Value
from django.db.models.functions import Coalesce, TruncDate
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual
from django.utils.translation import gettext_lazy

from records.criteria.expressions import known, value_of
from records.criteria.operands import Days, Flag, Other, When, Zone
from records.criteria.operators.anything import reversed_points
from records.criteria.operators.base import Comparison, PropertyFilter, operators
from records.criteria.points import Point, Span, instant_span
from records.criteria.tree import Context
from records.criteria.value_sets import Passing, Spans, ValueSet


def on_days(leaf: PropertyFilter) -> bool:
    """Whether the property holds days; else it holds instants."""
    return leaf.property.type == "date"


def begins_before(value: Any, span: Span, leaf: PropertyFilter) -> Q:
    return Q(LessThan(value, Value(span.first_day if on_days(leaf) else span.start)))


def not_before(value: Any, span: Span, leaf: PropertyFilter) -> Q:
    return Q(GreaterThanOrEqual(value, Value(span.first_day if on_days(leaf) else span.start)))


def ends_after(value: Any, span: Span, leaf: PropertyFilter) -> Q:
    if on_days(leaf):
        return Q(GreaterThan(value, Value(span.last_day)))
    return Q((GreaterThan if span.start == span.end else GreaterThanOrEqual)(value, Value(span.end)))


def not_after(value: Any, span: Span, leaf: PropertyFilter) -> Q:
    if on_days(leaf):
        return Q(LessThanOrEqual(value, Value(span.last_day)))
    return Q((LessThanOrEqual if span.start == span.end else LessThan)(value, Value(span.end)))


def from_beginning(span: Span, leaf: PropertyFilter) -> Spans:
    """What is `not_before` a span."""
    return Spans.of(span.first_day if on_days(leaf) else span.start)


def up_to_end(span: Span, leaf: PropertyFilter) -> Spans:
    """What is `not_after` a span."""
    if on_days(leaf):
        return Spans.of(high=span.last_day)
    return Spans.of(high=span.end, high_in=span.start == span.end)


class DateOperator(Comparison):
    families = ("date",)


class AtPoint(DateOperator):
    operands = (When(label=gettext_lazy("date")), Zone())

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet | None:
        point = leaf.values["value"]
        return None if point.moves else self.around(point.span(context), leaf, context)

    @abstractmethod
    def around(self, span: Span, leaf: PropertyFilter, context: Context) -> Spans:
        """The values that pass, seen from where the point is."""


@operators.register
class IsEqualTo(AtPoint):
    """Within that day (of an instant: within its day)."""

    slug, label = "is_equal_to", gettext_lazy("is")
    sentence = gettext_lazy("%(property)s is %(value)s")

    def day(self, leaf: PropertyFilter, context: Context) -> Span:
        return Point(day=leaf.values["value"].span(context).first_day).span(context)

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        day = self.day(leaf, context)
        return not_before(value, day, leaf) & not_after(value, day, leaf)

    def around(self, span: Span, leaf: PropertyFilter, context: Context) -> Spans:
        day = self.day(leaf, context)
        return from_beginning(day, leaf) & up_to_end(day, leaf)

    def edges(self, leaf: PropertyFilter, context: Context) -> list[Span]:
        return [self.day(leaf, context)]


@operators.register
class IsBefore(AtPoint):
    slug, label = "is_before", gettext_lazy("is before")
    sentence = gettext_lazy("%(property)s is before %(value)s")

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return begins_before(value, leaf.values["value"].span(context), leaf)

    def around(self, span: Span, leaf: PropertyFilter, context: Context) -> Spans:
        return ~from_beginning(span, leaf)


@operators.register
class IsAfter(AtPoint):
    slug, label = "is_after", gettext_lazy("is after")
    sentence = gettext_lazy("%(property)s is after %(value)s")

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return ends_after(value, leaf.values["value"].span(context), leaf)

    def around(self, span: Span, leaf: PropertyFilter, context: Context) -> Spans:
        return ~up_to_end(span, leaf)


@operators.register
class IsBetween(DateOperator):
    """From one point to another, each included or not (OPR-43)."""

    slug, label = "is_between", gettext_lazy("is between")
    sentence = gettext_lazy("%(property)s is between %(from)s and %(to)s")
    operands = (
        When("from", gettext_lazy("from")),
        When("to", gettext_lazy("to")),
        Flag("include_from", gettext_lazy("including the first day"), required=False, default=True),
        Flag("include_to", gettext_lazy("including the last day"), required=False, default=True),
        Zone(),
    )

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        low, high = leaf.values["from"].span(context), leaf.values["to"].span(context)
        lower = (not_before if leaf.values["include_from"] else ends_after)(value, low, leaf)
        return lower & (not_after if leaf.values["include_to"] else begins_before)(value, high, leaf)

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet | None:
        if leaf.values["from"].moves or leaf.values["to"].moves:
            return None
        low, high = leaf.values["from"].span(context), leaf.values["to"].span(context)
        lower = from_beginning(low, leaf) if leaf.values["include_from"] else ~up_to_end(low, leaf)
        return lower & (up_to_end(high, leaf) if leaf.values["include_to"] else ~from_beginning(high, leaf))

    def faults(self, values: dict[str, Any]) -> dict[str, str]:
        return reversed_points(values)


@operators.register
class IsNotBetween(IsBetween):
    slug, label = "is_not_between", gettext_lazy("is not between")
    sentence = gettext_lazy("%(property)s is not between %(from)s and %(to)s")
    negative = True


class DaysAway(DateOperator):
    operands = (Days(), Zone())
    direction = -1
    #: Whether the present is the other end of the period.
    up_to_now = False

    def edges(self, leaf: PropertyFilter, context: Context) -> list[Span]:
        now = [instant_span(context.now, context.zone)] if self.up_to_now else []
        return [self.away(leaf, context), *now]

    def passing(self, leaf: PropertyFilter, context: Context) -> Passing | None:
        """All of these move with the day alike, so that what they have in common at one instant they always have.

        One with a time zone of its own begins its days at other times than the others.
        """
        if leaf.values["time_zone"]:
            return None
        known = self.period(leaf, context)
        return Passing(known, leaf.include_blank, moving=True)

    @abstractmethod
    def period(self, leaf: PropertyFilter, context: Context) -> Spans:
        """The values that pass now."""

    def present(self, leaf: PropertyFilter, context: Context) -> Any:
        return self.today(context).first_day if on_days(leaf) else context.now

    def today(self, context: Context) -> Span:
        return Point(anchor="today").span(context)

    def away(self, leaf: PropertyFilter, context: Context) -> Span:
        return Point(anchor="today", offset=self.direction * leaf.values["value"]).span(context)

    def now(self, leaf: PropertyFilter, context: Context) -> Any:
        return Value(self.present(leaf, context))


@operators.register
class IsLessThanDaysAgo(DaysAway):
    """From the beginning of that day up to now."""

    slug, label = "is_less_than_days_ago", gettext_lazy("is less than days ago")
    sentence = gettext_lazy("%(property)s is less than %(value)s days ago")
    up_to_now = True

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return not_before(value, self.away(leaf, context), leaf) & Q(LessThanOrEqual(value, self.now(leaf, context)))

    def period(self, leaf: PropertyFilter, context: Context) -> Spans:
        return from_beginning(self.away(leaf, context), leaf) & Spans.of(high=self.present(leaf, context))


@operators.register
class IsMoreThanDaysAgo(DaysAway):
    slug, label = "is_more_than_days_ago", gettext_lazy("is more than days ago")
    sentence = gettext_lazy("%(property)s is more than %(value)s days ago")

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return begins_before(value, self.away(leaf, context), leaf)

    def period(self, leaf: PropertyFilter, context: Context) -> Spans:
        return ~from_beginning(self.away(leaf, context), leaf)


@operators.register
class IsLessThanDaysFromNow(DaysAway):
    """From now up to the end of that day."""

    slug, label = "is_less_than_days_from_now", gettext_lazy("is less than days from now")
    sentence = gettext_lazy("%(property)s is less than %(value)s days from now")
    up_to_now = True
    direction = 1

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return not_after(value, self.away(leaf, context), leaf) & Q(GreaterThanOrEqual(value, self.now(leaf, context)))

    def period(self, leaf: PropertyFilter, context: Context) -> Spans:
        return up_to_end(self.away(leaf, context), leaf) & Spans.of(self.present(leaf, context))


@operators.register
class IsMoreThanDaysFromNow(DaysAway):
    slug, label = "is_more_than_days_from_now", gettext_lazy("is more than days from now")
    sentence = gettext_lazy("%(property)s is more than %(value)s days from now")
    direction = 1

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        return ends_after(value, self.away(leaf, context), leaf)

    def period(self, leaf: PropertyFilter, context: Context) -> Spans:
        return ~up_to_end(self.away(leaf, context), leaf)


@operators.register
class IsBeforeProperty(DateOperator):
    """Another date of the same record; a day and an instant are compared as days (OPR-50)."""

    slug, label = "is_before_property", gettext_lazy("is before another property")
    sentence = gettext_lazy("%(property)s is before %(other)s")
    operands = (Other(), When("default", gettext_lazy("if that is empty, compare with"), required=False), Zone())
    lookup: Any = LessThan

    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        other, default = leaf.values["other"], leaf.values["default"]
        mine, theirs = value, value_of(other)
        as_days = "date" in (leaf.property.type, other.type)
        if as_days:
            mine, theirs = day_of(mine, leaf.property.type, context), day_of(theirs, other.type, context)
        if default is None:
            return known(other) & Q(self.lookup(mine, theirs))
        span = default.span(context)
        return Q(self.lookup(mine, Coalesce(theirs, Value(span.first_day if as_days else span.start))))

    def edges(self, leaf: PropertyFilter, context: Context) -> list[Span]:
        """The day too, because that is what is compared with a day."""
        found = super().edges(leaf, context)
        return [*found, *(Point(day=span.first_day).span(context) for span in found)]


@operators.register
class IsAfterProperty(IsBeforeProperty):
    slug, label = "is_after_property", gettext_lazy("is after another property")
    sentence = gettext_lazy("%(property)s is after %(other)s")
    lookup = GreaterThan


def day_of(value: Any, kind: str, context: Context) -> Any:
    """The day of a date or, in the context's zone, of an instant."""
    return value if kind == "date" else TruncDate(value, tzinfo=context.zone, output_field=DateField())
