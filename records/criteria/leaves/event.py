"""Filters on what has happened to the record: an event that has occurred or not (FLT-40, FLT-42).

Occurrences are pruned by time, then filtered, then counted (FLT-45); a filter takes one refinement only (TRG-10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.crossing import within
from records.criteria.dependencies import Crossing, Dependency, Underivable
from records.criteria.event_rows import EVENT_PREFIX, event_rows
from records.criteria.extracting import condition_of
from records.criteria.leaves.base import Choice, LeafKind, leaf_kinds
from records.criteria.refining import Refinement, read
from records.criteria.scope import Scope, joined_path
from records.criteria.tree import ALL, Context, Group, Leaf, Node
from records.event_types import EventType, event_type, known_event_types
from records.models import Event
from records.object_types import ObjectType, object_types

OCCURRED, NOT_OCCURRED = "has_occurred", "has_not_occurred"
OPERATORS = {OCCURRED: gettext_lazy("has occurred"), NOT_OCCURRED: gettext_lazy("has not occurred")}
KEYS = {"event", "operator", "where", "refine"}


@leaf_kinds.register
class EventKind(LeafKind):
    """{event, operator, where: […], refine: {within: {days}} | {before} | {after} | {between} | {count}}"""

    slug = "event"
    label = gettext_lazy("Event")
    rows = EVENT_PREFIX
    refined = (OCCURRED,)

    def entries(self, object_type: ObjectType, user: Any = None) -> list[Choice]:
        """Every event records of the type can be filtered by, under the heading of its family."""
        if object_type.slug not in object_types:
            return []
        return [
            Choice(one.slug, str(one.label), str(one.category), one.permission)
            for one in known_event_types(object_type.slug).values()
            if one.counted
        ]

    def needs(self, document: dict[str, Any]) -> str:
        kind = event_type(document.get("event"))
        return kind.permission if kind is not None else ""

    def operators(self) -> list[tuple[str, str]]:
        return [(slug, str(label)) for slug, label in OPERATORS.items()]

    def parse(self, document: dict[str, Any], scope: Scope, path: str) -> Node | None:
        scope.count_filter(path)
        scope.unknown_keys(document, KEYS, path)
        kind = self.event_of(document, scope, path)
        operator = self.operator_of(document, scope, path)
        refinement = refinement_of(document, scope, path)
        if kind is None:
            return None
        where = parse_where(document.get("where"), event_rows(kind), scope, path)
        if operator is None or refinement is None or where is None:
            return None
        scope.document.lasting &= not kind.custom
        return EventFilter(path, scope.object_type, kind, operator == OCCURRED, where, refinement, scope.hops)

    def event_of(self, document: dict[str, Any], scope: Scope, path: str) -> EventType | None:
        slug, known = document["event"], scope.object_type.slug
        kind = event_type(slug) if known in object_types else None
        if kind is not None and kind.counted and kind.happens_to(known):
            return kind
        offered = [one.slug for one in known_event_types(known).values() if one.counted and known in object_types]
        message = _("There is no event %(value)r of %(type)s to filter by. Use one of: %(known)s.")
        values = {"value": slug, "type": scope.object_type.label_plural, "known": ", ".join(offered) or _("none")}
        scope.fault(joined_path(path, "event"), message % values, slug, code="unknown_event")
        return None


def parse_where(where: Any, rows: ObjectType, scope: Scope, path: str) -> Group | None:
    """The filters on an event's properties as a group (maybe empty) about its rows; None after a fault."""
    from records.criteria.parsing import parse_node

    place = joined_path(path, "where")
    if where is None:
        where = []
    if not isinstance(where, list):
        message = _("“where” is a list of filters on the event's properties, not %(value)r.")
        scope.fault(place, message % {"value": where}, where)
        return None
    inside = Scope(scope.document, rows, scope.depth + 1)
    nodes = [parse_node(part, inside, joined_path(place, i)) for i, part in enumerate(where)]
    return Group(place, ALL, tuple(node for node in nodes if node is not None))


def refinement_of(document: dict[str, Any], scope: Scope, path: str) -> Refinement | None:
    """The one refinement; None after a fault."""
    refine, place = document.get("refine"), joined_path(path, "refine")
    if refine and document.get("operator") == NOT_OCCURRED:
        message = _("“Has not occurred” takes no refinement. Put “has occurred”, refined, into a “none” group.")
        scope.fault(place, message, refine, code="one_refinement")
        return None
    return read(refine, scope, place)


@dataclass(frozen=True)
class EventFilter(Node):
    """Whether an event has occurred to the record, as often and as recently as asked."""

    path: str
    object_type: ObjectType
    kind: EventType
    occurred: bool
    where: Group
    refinement: Refinement
    hops: tuple[str, ...]

    def occurrences(self, context: Context, *, refined: bool = True) -> QuerySet[Event]:
        """The occurrences of the event on records of the type that pass, whoever they happened to.

        Not `refined`: also those at other times than the refinement asks for.
        """
        kept = self.refinement.q(context) if refined else Q()
        found = Event.objects.filter(kept, event=self.kind.slug, object_type=self.object_type.slug)
        return found.filter(condition_of(self.where, context)) if self.where.children else found

    def leaves(self, context: Context) -> Iterator[Leaf]:
        occurred = self.occurrences(context, refined=False).filter(record_id=OuterRef("pk"))
        yield Leaf(self.path, self.text(context), self.q(context), occurred=occurred)

    def q(self, context: Context) -> Q:
        rows: QuerySet[Any, Any] = self.occurrences(context).filter(record_id=OuterRef("pk"))
        low, high = self.refinement.at_least, self.refinement.at_most
        if low > 1 or high is not None:
            rows = rows.order_by().values("record_id").annotate(times=Count(F("id")))
            if not low:
                return ~Q(Exists(rows.filter(times__gt=high)))
            rows = rows.filter(times__gte=low)
            rows = rows if high is None else rows.filter(times__lte=high)
        return Q(Exists(rows)) if self.occurred else ~Q(Exists(rows))

    def text(self, context: Context) -> str:
        words = {"event": self.kind.label, "criteria": self.where.text(context) if self.where.children else ""}
        if self.where.children:
            words["event"] = _("%(event)s with (%(criteria)s)") % words
        if not self.occurred:
            return _("“%(event)s” has not occurred") % words
        return self.refinement.text(_("“%(event)s” has occurred") % words)

    def dependencies(self) -> Iterator[Dependency]:
        yield Dependency(self.object_type.slug, f"{EVENT_PREFIX}{self.kind.slug}", self.hops)

    @property
    def time_sensitive(self) -> bool:
        return self.refinement.time_sensitive or self.where.time_sensitive

    def crossed(self, before: Context, after: Context) -> Iterator[Crossing]:
        """Whose occurrences have become too old, or old enough, between two instants."""
        if self.where.time_sensitive:
            raise Underivable(self.path)
        if asked := self.refinement.crossed(before, after):
            moved = Event.objects.filter(
                within("occurred_at", asked), event=self.kind.slug, object_type=self.object_type.slug
            )
            yield Crossing(self.hops, moved.order_by().values_list("record_id", flat=True))
