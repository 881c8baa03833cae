"""What every operator answers, and a filter on a property."""

from __future__ import annotations

import builtins
import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import IsNull
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.criteria.crossing import crossings_of, refuse_changed_clocks
from records.criteria.dependencies import Crossing, Dependency, Underivable, of_property
from records.criteria.expressions import changes_of, journal_value, known, value_of
from records.criteria.operands import Operand, When
from records.criteria.points import Span
from records.criteria.tree import Context, Node
from records.criteria.value_sets import Passing, ValueSet
from records.object_types import ObjectType
from records.properties import Property
from records.registry import Registry

FAMILIES = ("text", "number", "date", "boolean", "select", "multi_select", "user")


class Operators(Registry):
    """Every operator by "family:slug": one slug may mean different SQL for numbers and for dates."""

    def register(self, plugin: Any) -> Any:
        """Add an operator class for each of its families. Raises ValueError when a family already has its slug."""
        operator = plugin()
        for family in operator.families:
            key = f"{family}:{operator.slug}"
            if key in self:
                raise ValueError(f"There already is an operator {key!r}: {self[key]!r}.")
            self[key] = operator
        return plugin


operators = Operators("operator")


def operators_for(prop: Property) -> dict[str, Operator]:
    """The operators a property can be compared with, by slug, its own family's first."""
    found = of_family(prop.kind.family, len(operators))
    return {operator.slug: operator for operator in found if operator.suits(prop)}


@functools.cache
def of_family(family: str, _known: int) -> tuple[Operator, ...]:
    """The operators of a family; found anew when there are more of them."""
    found = [operator for key, operator in operators.items() if key.startswith(f"{family}:")]
    return tuple(sorted(found, key=lambda operator: len(operator.families)))


def there(prop: Property, value: Any) -> Q:
    """Whether a value can be compared; an empty text can, although it is blank: no condition holds of it."""
    return Q(IsNull(value, False)) if prop.kind.textual else known(prop, value)


class Operator(ABC):
    """One way to ask about a property.

    `sentence` has %(property)s and the names of the operands. `negative` turns the meaning of the condition round.
    `ever` looks at every value the record has had (`reads_history` of the journal).
    """

    slug: str
    label: str | Promise
    families: tuple[str, ...]
    sentence: str | Promise
    operands: tuple[Operand, ...] = ()
    negative = False
    ever = False
    takes_blanks = True
    always_time_sensitive = False
    needs_journal = False
    #: What comparing one value costs the database; a number is 1.
    cost = 1

    @property
    def reads_history(self) -> bool:
        return self.ever or self.needs_journal

    def suits(self, prop: Property) -> bool:
        """Whether the property can be compared so: calculated ones have no history."""
        return prop.calculated is None or not self.reads_history

    @abstractmethod
    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        """The whole condition with the rule for blanks (OPR-08); true or false, never NULL."""

    def passing(self, leaf: PropertyFilter, context: Context) -> Passing | None:
        """Exactly what passes the filter, as `q` says it; None where that cannot be told by the filter alone."""
        return None

    def faults(self, values: dict[str, Any]) -> dict[str, str]:
        """What is wrong with the operands together: key → sentence."""
        return {}

    def time_sensitive(self, values: dict[str, Any]) -> bool:
        return any(operand.moves(values[operand.name]) for operand in self.operands)

    def edges(self, leaf: PropertyFilter, context: Context) -> list[Span]:
        """The points the value is compared with that move with the clock, always as many (TRG-21)."""
        found = [leaf.values[operand.name] for operand in self.operands if isinstance(operand, When)]
        return [point.span(context) for point in found if point is not None and point.moves]

    def crossed(self, leaf: PropertyFilter, before: Context, after: Context) -> Iterator[Crossing]:
        """The records whose value one of these points has gone past. Raises Underivable."""
        if self.ever or self.needs_journal or leaf.property.kind.family != "date":
            raise Underivable(leaf.path)
        return crossings_of(leaf, self.edges(leaf, before), self.edges(leaf, after), after.zone)


class Comparison(Operator):
    """Compares the values a property has, or (`ever`) has had."""

    @abstractmethod
    def condition(self, value: Any, leaf: PropertyFilter, context: Context) -> Q:
        """The condition on a value that is known, before `negative`; it does not hold of an empty text."""

    def met(self, leaf: PropertyFilter, context: Context) -> Q:
        """Whether the condition holds of the current value (or, for `ever`, of any); never NULL."""
        now = self.met_now(leaf, context)
        if not self.ever:
            return now
        then = Q()
        for side in ("before", "after"):
            old = journal_value(leaf.property, side)
            then |= known(leaf.property, old) & self.condition(old, leaf, context)
        return now | Q(Exists(changes_of(leaf.property, leaf.object_type).filter(then)))

    def met_now(self, leaf: PropertyFilter, context: Context) -> Q:
        extracted = context.extracted.get(leaf.property.slug)
        value = value_of(leaf.property) if extracted is None else extracted
        condition = self.condition(value, leaf, context)
        if extracted is not None or leaf.property.column is not None or leaf.property.kind.multiple:
            return there(leaf.property, value) & condition
        # A value in JSONB is dear to fetch: once instead of twice.
        return Q(Coalesce(ExpressionWrapper(condition, BooleanField()), Value(False)))

    def q(self, leaf: PropertyFilter, context: Context) -> Q:
        met = self.met(leaf, context)
        if self.negative == leaf.include_blank:
            return ~met if self.negative else met
        present = known(leaf.property, context.extracted.get(leaf.property.slug))
        return present & ~met if self.negative else met | ~present

    def lets(self, leaf: PropertyFilter, context: Context) -> ValueSet | None:
        """The known values of which `condition` holds; None where that cannot be told by the filter alone."""
        return None

    def passing(self, leaf: PropertyFilter, context: Context) -> Passing | None:
        known = None if self.reads_history else self.lets(leaf, context)
        if known is None:
            return None
        return Passing(~known if self.negative else known, leaf.include_blank)


@dataclass(frozen=True)
class PropertyFilter(Node):
    """One property, one operator, its operands."""

    path: str
    object_type: ObjectType
    property: Property
    operator: Operator
    values: dict[str, Any]
    include_blank: bool
    hops: tuple[str, ...]

    def q(self, context: Context) -> Q:
        return self.operator.q(self, self.in_zone(context))

    def passing(self, context: Context) -> Passing | None:
        """What passes the filter; None where that cannot be told without looking at records."""
        return self.operator.passing(self, self.in_zone(context))

    def in_zone(self, context: Context) -> Context:
        zone = self.values.get("time_zone")
        return dataclasses.replace(context, zone=zone) if zone else context

    def text(self, context: Context) -> str:
        words = {
            operand.name: operand.display(self.values[operand.name], self.property)
            for operand in self.operator.operands
            if self.values[operand.name] is not None
        }
        sentence = str(self.operator.sentence) % {"property": capfirst(str(self.property.label)), **words}
        if self.values.get("time_zone"):
            sentence = _("%(sentence)s (time in %(zone)s)") % {"sentence": sentence, "zone": words["time_zone"]}
        if self.include_blank:
            return _("%(sentence)s, or has no value") % {"sentence": sentence}
        return sentence

    def leaves(self, context: Context) -> Iterator[Any]:
        for leaf in super().leaves(context):
            yield dataclasses.replace(leaf, property=self.property)

    def dependencies(self) -> Iterator[Dependency]:
        yield of_property(self.property, self.object_type, self.hops)
        if isinstance(self.values.get("other"), Property):
            yield of_property(self.values["other"], self.object_type, self.hops)

    @builtins.property  # not the field
    def cost(self) -> int:
        return super().cost if self.operator.reads_history else self.operator.cost

    @builtins.property
    def time_sensitive(self) -> bool:
        return self.operator.time_sensitive(self.values)

    def crossed(self, before: Context, after: Context) -> Iterator[Crossing]:
        if not self.time_sensitive:
            return iter(())
        if zone := self.values.get("time_zone"):
            before, after = (dataclasses.replace(context, zone=zone) for context in (before, after))
        refuse_changed_clocks(before, after)
        return self.operator.crossed(self, before, after)
