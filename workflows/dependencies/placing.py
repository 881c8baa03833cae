"""Where the boxes of the map stand: in columns, each as near as can be to those it has lines to.

The barycentre method: a column after the other, every box is wished to where its neighbours are on average; boxes
that wish for the same place share it out among them. The same boxes and lines always give the same places.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Box = TypeVar("Box", bound=Hashable)
#: How often the columns are gone through, there and back; more changes hardly anything.
SWEEPS = 8


def places(columns: Sequence[Sequence[Box]], lines: Sequence[tuple[Box, Box]]) -> dict[Box, float]:
    """The place of each box in its column, from 0 on; two in one column are 1 apart at least.

    `columns` name all boxes; `lines` join boxes of different columns. Of all arrangements that were tried, the one
    with the least distance along the columns between the ends of lines, summed up; that the boxes of every column
    follow one another in their order, in the middle of the highest, is tried first.
    """
    neighbours: dict[Box, list[Box]] = {box: [] for column in columns for box in column}
    for one, other in lines:
        neighbours[one].append(other)
        neighbours[other].append(one)
    found = in_the_middle(columns)
    best, least = dict(found), distance(found, lines)
    there = range(len(columns))
    for sweep in range(SWEEPS):
        for number in there if sweep % 2 else reversed(there):
            column = columns[number]
            wishes = {box: mean([found[other] for other in neighbours[box]] or [found[box]]) for box in column}
            order = sorted(column, key=lambda box: (wishes[box], found[box]))
            found |= dict(zip(order, shared_out([wishes[box] for box in order]), strict=True))
        if (length := distance(found, lines)) < least:
            best, least = dict(found), length
    first = min(best.values(), default=0)
    return {box: place - first for box, place in best.items()}


def in_the_middle(columns: Sequence[Sequence[Box]]) -> dict[Box, float]:
    """Every column's boxes in their order, in the middle of the highest column."""
    most = max(map(len, columns), default=0)
    return {box: (most - len(column)) / 2 + place for column in columns for place, box in enumerate(column)}


def distance(found: Mapping[Box, float], lines: Sequence[tuple[Box, Box]]) -> float:
    """How far the ends of all lines are from one another along the columns, summed up."""
    return sum(abs(found[one] - found[other]) for one, other in lines)


def shared_out(wishes: Sequence[float]) -> list[float]:
    """Places 1 apart at least, in the order of the wishes and as near to them as can be (in squares).

    Who wish for places too near to one another form a group, which stands around the mean of its wishes; groups that
    get into each other's way become one.
    """
    groups: list[tuple[float, int]] = []  # Each group's place, less the number of boxes before it; and its size.
    for number, wish in enumerate(wishes):
        place, size = wish - number, 1
        while groups and groups[-1][0] >= place:
            before, many = groups.pop()
            place, size = (before * many + place * size) / (many + size), many + size
        groups.append((place, size))
    starts = [place for place, size in groups for _ in range(size)]
    return [start + number for number, start in enumerate(starts)]


def mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
