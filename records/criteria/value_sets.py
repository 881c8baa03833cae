"""Sets of values: which values of a property pass a filter, told without looking at a single record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

#: A stretch of ordered values: from where, whether that belongs to it, up to where, whether that does; None is no end.
Stretch = tuple[Any, bool, Any, bool]
EVERYTHING: Stretch = (None, False, None, False)


@dataclass(frozen=True)
class Listed:
    """The values of a list, or (`inside` False) all others. `every`: all values there are, where that is known."""

    values: frozenset[Any]
    inside: bool = True
    every: frozenset[Any] | None = None

    def __invert__(self) -> Listed:
        return Listed(self.values, not self.inside, self.every)

    def __and__(self, other: Self) -> Listed:
        if self.inside and other.inside:
            return Listed(self.values & other.values, True, self.every)
        if self.inside or other.inside:
            kept, barred = (self, other) if self.inside else (other, self)
            return Listed(kept.values - barred.values, True, self.every)
        return Listed(self.values | other.values, False, self.every)

    @property
    def empty(self) -> bool:
        if self.inside:
            return not self.values
        return self.every is not None and self.every <= self.values


@dataclass(frozen=True)
class Spans:
    """Stretches of numbers, days or instants, in order, that do not overlap."""

    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, low: Any = None, high: Any = None, *, low_in: bool = True, high_in: bool = True) -> Spans:
        """One stretch; None is no end."""
        found = (low, low is not None and low_in, high, high is not None and high_in)
        return cls((found,) if holds_anything(found) else ())

    def __and__(self, other: Self) -> Spans:
        both = (overlap(one, two) for one in self.stretches for two in other.stretches)
        return Spans(tuple(found for found in both if holds_anything(found)))

    def __invert__(self) -> Spans:
        found = Spans((EVERYTHING,))
        for low, low_in, high, high_in in self.stretches:
            below = Spans.of(high=low, high_in=not low_in) if low is not None else Spans(())
            above = Spans.of(high, low_in=not high_in) if high is not None else Spans(())
            found &= Spans(below.stretches + above.stretches)
        return found

    @property
    def empty(self) -> bool:
        return not self.stretches


ValueSet = Listed | Spans


@dataclass(frozen=True)
class Passing:
    """What passes a filter: these known values, and (`blank`) records without one.

    `moving`: the values move with the clock, all of them alike; they are not compared with those that stand still.
    """

    known: ValueSet
    blank: bool = False
    moving: bool = False

    def __invert__(self) -> Passing:
        return Passing(~self.known, not self.blank, self.moving)


def listed(values: Iterable[Any], every: Iterable[Any] | None = None) -> Listed:
    return Listed(frozenset(values), True, None if every is None else frozenset(every))


def overlap(one: Stretch, two: Stretch) -> Stretch:
    low, low_in = later(one[:2], two[:2])
    high, high_in = sooner(one[2:], two[2:])
    return low, low_in, high, high_in


def later(one: tuple[Any, bool], two: tuple[Any, bool]) -> tuple[Any, bool]:
    if one[0] is None or two[0] is None:
        return two if one[0] is None else one
    if one[0] == two[0]:
        return one[0], one[1] and two[1]
    return max(one, two, key=lambda end: end[0])


def sooner(one: tuple[Any, bool], two: tuple[Any, bool]) -> tuple[Any, bool]:
    if one[0] is None or two[0] is None:
        return two if one[0] is None else one
    if one[0] == two[0]:
        return one[0], one[1] and two[1]
    return min(one, two, key=lambda end: end[0])


def holds_anything(stretch: Stretch) -> bool:
    low, low_in, high, high_in = stretch
    if low is None or high is None or low < high:
        return True
    return bool(low == high and low_in and high_in)
