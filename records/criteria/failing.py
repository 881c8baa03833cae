"""Which filters stand between a record and criteria: those whose answers would have to be others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from records.criteria.explaining import LeafAnswer
from records.criteria.tree import ALL, ANY, NOT_ALL, Group, Node


@dataclass(frozen=True)
class Missing:
    """A filter with its answer as the database gave it, and whether it ought to be met."""

    answer: LeafAnswer
    wanted: bool


def missing(group: Group, answers: Mapping[str, LeafAnswer]) -> list[Missing]:
    """The filters because of which a group is not met, by the answers of its leaves; [] when it is met."""
    return [] if holds(group, answers) else list(guilty(group, answers, wanted=True))


def holds(node: Node, answers: Mapping[str, LeafAnswer]) -> bool:
    """A group joins the answers of its filters, as its condition does in SQL."""
    if not isinstance(node, Group):
        return answers[node.path].met
    inside = [holds(child, answers) for child in node.children]
    joined = all(inside) if node.join in (ALL, NOT_ALL) else any(inside)
    return joined if node.join in (ALL, ANY) else not joined


def guilty(node: Node, answers: Mapping[str, LeafAnswer], *, wanted: bool) -> Iterator[Missing]:
    """The filters inside a node whose answers keep it from being met (or, not `wanted`, from not being met)."""
    if not isinstance(node, Group):
        yield Missing(answers[node.path], wanted)
        return
    inner = wanted if node.join in (ALL, ANY) else not wanted
    for child in node.children:
        if holds(child, answers) != inner:
            yield from guilty(child, answers, wanted=inner)
