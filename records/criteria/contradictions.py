"""Criteria no record can meet, found by the filters alone: they exclude each other, whatever the records are.

Nothing is evaluated here, and no record is looked at: what a filter lets pass is a set of values, and filters that
leave nothing of it together contradict one another. What no set can say (events, associations, the past) only
contradicts its own opposite. Where that is not enough to tell, criteria count as possible.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from django.utils.translation import gettext as _

from records.criteria.compiling import Compiled
from records.criteria.leaves.association import AssociationFilter
from records.criteria.leaves.list import ListFilter
from records.criteria.operators import PropertyFilter
from records.criteria.tree import ALL, ANY, NONE, NOT_ALL, Context, Group, Node
from records.criteria.value_sets import Listed, Passing, Spans, ValueSet

#: A filter or group, and whether it is to be met or is not to be.
Goal = tuple[Node, bool]
#: Groups are taken apart into so many cases at most; criteria that need more count as possible.
CASES = 2_000
#: Filters that stand together are compared in pairs up to so many, to name the two.
COMPARED = 60
#: What has to be so that a group is met, by its word: all of its parts or one of them, and these met or not.
NEEDS = {ALL: (True, True), ANY: (False, True), NONE: (True, False), NOT_ALL: (False, False)}


@dataclass(frozen=True)
class Contradiction:
    """A place in criteria that no record can meet, and why, in a sentence."""

    path: str
    message: str


@dataclass(frozen=True)
class Facts:
    """What is known of a record once it has met filters. `kept` by property and whether the clock moves its values."""

    kept: Mapping[tuple[str, bool], ValueSet] = field(default_factory=dict)
    blank: Mapping[str, bool] = field(default_factory=dict)
    atoms: Mapping[str, bool] = field(default_factory=dict)

    def limited(self, slug: str, passing: Passing) -> Facts | None:
        """With one more filter on a property; None when nothing is left."""
        place = slug, passing.moving
        known = common(self.kept[place], passing.known) if place in self.kept else passing.known
        kept = {**self.kept, place: known}
        blank = {**self.blank, slug: self.blank.get(slug, True) and passing.blank}
        gone = any(found.empty for (other, _moving), found in kept.items() if other == slug)
        return None if gone and not blank[slug] else replace(self, kept=kept, blank=blank)

    def answered(self, atom: str, met: bool) -> Facts | None:
        """With the answer to a filter of which nothing else is known; None when it has the other one already."""
        if self.atoms.get(atom, met) != met:
            return None
        return replace(self, atoms={**self.atoms, atom: met})


@dataclass
class Search:
    """A look for what a record could be like, at one instant. `cases`: how many it may still take apart."""

    context: Context
    cases: int = CASES

    def possible(self, goals: Iterable[Goal]) -> bool:
        """Whether a record could be as all goals want it; True also where there are too many cases to tell."""
        return self.fits(list(goals), [], Facts())

    def fits(self, goals: list[Goal], choices: Sequence[list[Goal]], known: Facts) -> bool:
        """Whether, beside what is known, all goals can be met, and one of each list of choices."""
        self.cases -= 1
        choices = list(choices)
        while goals:
            node, met = goals.pop()
            if isinstance(node, Group):
                every, children_met = NEEDS[node.join]
                parts: list[Goal] = [(child, children_met == met) for child in node.children]
                if every == met or len(parts) == 1:
                    goals += parts
                else:
                    choices.append(parts)
                continue
            found = self.with_filter(node, met, known)
            if found is None:
                return False
            known = found
        if not choices or self.cases <= 0:
            return True
        first, *rest = sorted(choices, key=len)
        return any(self.fits([part], rest, known) for part in first)

    def with_filter(self, node: Node, met: bool, facts: Facts) -> Facts | None:
        if isinstance(node, ListFilter):
            return facts.answered(f"list {node.slug}", met == node.member)
        passing = node.passing(self.context) if isinstance(node, PropertyFilter) else None
        if isinstance(node, PropertyFilter) and passing is not None:
            return facts.limited(node.property.slug, passing if met else ~passing)
        if isinstance(node, AssociationFilter) and met and not self.possible([(node.group, True)]):
            return None
        return facts.answered(identity(node), met)


def possible(parts: Iterable[tuple[Compiled, bool]]) -> bool:
    """Whether one record could meet some criteria and not meet others; all are of one object type and instant."""
    found = list(parts)
    return not found or Search(found[0][0].context).possible((one.criteria.group, met) for one, met in found)


def contradictions(compiled: Compiled) -> list[Contradiction]:
    """The places in criteria that no record can meet, the outermost ones alone."""
    return list(inside(compiled.criteria.group, compiled.context))


def inside(node: Node, context: Context) -> Iterator[Contradiction]:
    if not Search(context).possible([(node, True)]):
        yield contradiction(node, context)
        return
    children: Sequence[Node] = ()
    if isinstance(node, AssociationFilter):
        children = (node.group,)
    elif isinstance(node, Group) and node.join in (ALL, ANY):
        children = node.children
    for child in children:
        yield from inside(child, context)


def contradiction(node: Node, context: Context) -> Contradiction:
    """Why a node cannot be met: the two filters that exclude each other, where it is two."""
    together = [part for part in standing_together(node) if not isinstance(part, Group)]
    for one, two in combinations(together[:COMPARED], 2):
        if not Search(context).possible([(one, True), (two, True)]):
            message = _("No record can meet “%(one)s” and “%(two)s” at once. Change or remove one of them.")
            return Contradiction(two.path, message % {"one": one.text(context), "two": two.text(context)})
    message = _("No record can meet “%(criteria)s”: its filters exclude one another. Change or remove some of them.")
    return Contradiction(node.path, message % {"criteria": node.text(context)})


def standing_together(node: Node) -> Iterator[Node]:
    """The filters that all have to be met."""
    if isinstance(node, AssociationFilter):
        yield from standing_together(node.group)
    elif isinstance(node, Group) and (node.join == ALL or (node.join == ANY and len(node.children) == 1)):
        for child in node.children:
            yield from standing_together(child)
    else:
        yield node


def common(one: ValueSet, two: ValueSet) -> ValueSet:
    """The values that are in both."""
    if isinstance(one, Spans) and isinstance(two, Spans):
        return one & two
    if isinstance(one, Listed) and isinstance(two, Listed):
        return one & two
    raise TypeError(f"The values of a property are of one kind; these are {one!r} and {two!r}.")


def identity(part: Any) -> str:
    """What a filter says, wherever it stands: filters that say the same have the same."""
    if isinstance(part, Node) and dataclasses.is_dataclass(part):
        facts = [
            f"{one.name}={identity(getattr(part, one.name))}"
            for one in dataclasses.fields(part)
            if one.name not in ("path", "hops")
        ]
        return f"{type(part).__name__}({', '.join(facts)})"
    if isinstance(part, tuple):
        return f"({', '.join(identity(one) for one in part)})"
    slug = getattr(part, "slug", None)
    return repr(part) if slug is None else f"{type(part).__name__} {slug}"
