"""Parsed criteria: groups of filters and of groups."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.dependencies import Crossing, Dependency, Underivable
from records.object_types import ObjectType
from records.properties import Property

ALL, ANY, NONE, NOT_ALL = "all", "any", "none", "not_all"
JOINS: dict[str, str | Promise] = {
    ALL: gettext_lazy("all of these are true"),
    ANY: gettext_lazy("at least one of these is true"),
    NONE: gettext_lazy("none of these is true"),
    NOT_ALL: gettext_lazy("not all of these are true"),
}


@dataclass(frozen=True)
class Context:
    """The instant and the time zone criteria are evaluated for.

    `extracted`: what to compare instead of the value of a property, by slug (records.criteria.extracting).
    """

    now: dt.datetime
    zone: ZoneInfo
    extracted: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Leaf:
    """One filter as people see it: its place, its sentence, its condition on the criteria's own object type."""

    path: str
    sentence: str
    q: Q
    property: Property | None = None
    #: The occurrences a filter on an event counts, whatever its refinement, of the record in the outer query.
    occurred: QuerySet[Any] | None = None


class Node(ABC):
    """What groups, filters and other leaf kinds answer. A condition is never NULL: it is true or false."""

    path: str

    @property
    def cost(self) -> int:
        """About what it costs the database to answer for one record; comparing a number is 1."""
        return 1_000

    @abstractmethod
    def q(self, context: Context) -> Q:
        """The condition on the records of the node's object type."""

    @abstractmethod
    def text(self, context: Context) -> str:
        """The sentence, without an end mark."""

    def leaves(self, context: Context) -> Iterator[Leaf]:
        """The node's leaves in reading order."""
        yield Leaf(self.path, self.text(context), self.q(context))

    @abstractmethod
    def dependencies(self) -> Iterator[Dependency]:
        """What changes can change the answer."""

    @property
    def time_sensitive(self) -> bool:
        """Whether time alone can change the answer (TRG-21)."""
        return False

    def crossed(self, before: Context, after: Context) -> Iterator[Crossing]:
        """Where time may have changed the answer between two instants: more records than really, never fewer.

        Only found by an index. Raises Underivable where there is none to find them by.
        """
        if self.time_sensitive:
            raise Underivable(self.path)
        yield from ()


@dataclass(frozen=True)
class Group(Node):
    """Filters and groups under one word: all, any, none or not_all (FLT-46)."""

    path: str
    join: str
    children: tuple[Node, ...]

    @property
    def cost(self) -> int:
        return sum(child.cost for child in self.children)

    def q(self, context: Context) -> Q:
        # What is cheap comes first: the database looks no further than it has to.
        parts = [child.q(context) for child in sorted(self.children, key=lambda child: child.cost)]
        connector = Q.AND if self.join in (ALL, NOT_ALL) else Q.OR
        return Q(*parts, _connector=connector, _negated=self.join in (NONE, NOT_ALL))

    def text(self, context: Context) -> str:
        parts = [
            _("(%(criteria)s)") % {"criteria": child.text(context)}
            if isinstance(child, Group) and needs_parentheses(child)
            else child.text(context)
            for child in self.children
        ]
        sentence = joined(parts, self.join)
        return _("NOT (%(criteria)s)") % {"criteria": sentence} if self.join in (NONE, NOT_ALL) else sentence

    def leaves(self, context: Context) -> Iterator[Leaf]:
        for child in self.children:
            yield from child.leaves(context)

    def dependencies(self) -> Iterator[Dependency]:
        for child in self.children:
            yield from child.dependencies()

    @property
    def time_sensitive(self) -> bool:
        return any(child.time_sensitive for child in self.children)

    def crossed(self, before: Context, after: Context) -> Iterator[Crossing]:
        for child in self.children:
            yield from child.crossed(before, after)


@dataclass(frozen=True)
class Criteria:
    """A whole parsed document: its object type and its outermost group.

    `lasting`: it would be read the same again until the vocabulary changes (records.vocabulary).
    """

    object_type: ObjectType
    group: Group
    lasting: bool = True


def needs_parentheses(group: Group) -> bool:
    return len(group.children) > 1 and group.join in (ALL, ANY)


def joined(parts: Iterable[str], join: str) -> str:
    """Sentences with an explicit AND or OR between them."""
    sentence = ""
    for part in parts:
        if not sentence:
            sentence = part
        elif join in (ALL, NOT_ALL):
            sentence = _("%(left)s AND %(right)s") % {"left": sentence, "right": part}
        else:
            sentence = _("%(left)s OR %(right)s") % {"left": sentence, "right": part}
    return sentence
