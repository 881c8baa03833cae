"""Which values a boundary that moves with the clock has gone past, as ranges an index can be asked for (TRG-21)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import DateField, DateTimeField, F, Func, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform

from records.criteria.dependencies import ClocksChanged, Crossing, Underivable
from records.criteria.expressions import Holds
from records.criteria.points import Span
from records.criteria.tree import Context
from records.models import Change
from records.properties import Property

if TYPE_CHECKING:
    from records.criteria.operators.base import PropertyFilter

Range = tuple[Any, Any]
#: The functions that read a custom property's text, and that its index is made of.
READERS = {"date": ("records_day", DateField), "datetime": ("records_instant", DateTimeField)}


def refuse_changed_clocks(before: Context, after: Context) -> None:
    """Raise ClocksChanged when the offset of the wall clock is another: "today" and "now" may have gone back."""
    if before.now.astimezone(before.zone).utcoffset() != after.now.astimezone(after.zone).utcoffset():
        raise ClocksChanged(str(after.zone))


def ranges(before: list[Span], after: list[Span], zone: ZoneInfo, *, days: bool) -> list[Range]:
    """The values between where each point was and where it is, both included; nothing for one that has not moved.

    Whatever a value is compared with, before or not after: only a value in here can be on another side by now.
    Raises ClocksChanged where an instant that is counted on the wall clock has met a change of it.
    """
    found: dict[Range, None] = {}
    for old, new in zip(before, after, strict=True):
        instants = old.start == old.end and new.start == new.end
        if instants and old.start.astimezone(zone).utcoffset() != new.start.astimezone(zone).utcoffset():
            raise ClocksChanged(str(zone))
        ends = (
            ((old.first_day, new.first_day), (old.last_day, new.last_day))
            if days
            else ((old.start, new.start), (old.end, new.end))
        )
        found |= {(min(pair), max(pair)): None for pair in ends if pair[0] != pair[1]}
    return list(found)


def crossings_of(leaf: PropertyFilter, before: list[Span], after: list[Span], zone: ZoneInfo) -> Iterator[Crossing]:
    """The records with a value in one of the ranges. Raises Underivable for values that are in no column."""
    prop = leaf.property
    value = indexed_value(prop)
    if value is None:
        raise Underivable(leaf.path)
    asked = ranges(before, after, zone, days=prop.type == "date")
    if asked:
        rows = leaf.object_type.records().alias(_moment=value).filter(within("_moment", asked))
        yield Crossing(leaf.hops, rows.order_by().values_list("pk", flat=True))


def journal_crossings_of(
    leaf: PropertyFilter, before: list[Span], after: list[Span], zone: ZoneInfo
) -> Iterator[Crossing]:
    """The records of which the property changed in one of the ranges."""
    asked = ranges(before, after, zone, days=False)
    if asked:
        slug = leaf.property.slug
        touched = Q(Holds(F("after"), "?", Value(slug))) | Q(Holds(F("before"), "?", Value(slug)))
        rows = Change.objects.filter(within("at", asked), touched, object_type=leaf.object_type.slug)
        yield Crossing(leaf.hops, rows.order_by().values_list("record_id", flat=True))


def within(name: str, asked: list[Range]) -> Q:
    return reduce(or_, (Q(**{f"{name}__gte": low, f"{name}__lte": high}) for low, high in asked))


def indexed_value(prop: Property) -> Any:
    """A date property as an index of its own knows it; None for what cannot have one."""
    if prop.column is not None:
        return F(prop.column)
    if prop.calculated is not None or prop.type not in READERS:
        return None
    function, field = READERS[prop.type]
    text = KeyTextTransform(prop.slug, "custom", output_field=TextField())
    return Func(text, function=function, output_field=field())


def followed(node: Any) -> Iterator[PropertyFilter]:
    """The filters of which boundaries are looked for in values of records, own and associated ones."""
    for child in getattr(node, "children", ()):
        yield from followed(child)
    if (group := getattr(node, "group", None)) is not None:
        yield from followed(group)
    if hasattr(node, "include_blank") and node.time_sensitive and not node.operator.reads_history:
        yield node
