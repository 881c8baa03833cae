"""Workflows that may start one another without end, found by looking at them (decision 14).

A graph of the workflows that are on: one leads to another when it writes a property the other's trigger looks at, or
when it enrolls records there. Publishing warns where the workflow would be part of a circle; at run time the length of
the chain is the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from records import criteria
from records.clock import ANY_INSTANT
from records.ids import id_of
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.vocabulary import read_once
from workflows.enrollment import reenrolling
from workflows.models import Workflow
from workflows.registries import triggers

#: Actions that enroll records in the workflow their params name.
ENROLLING = ("go_to_workflow", "for_each_associated")


@dataclass(frozen=True)
class Node:
    """A workflow as the graph sees it; properties are "object_type.property"."""

    id: int
    name: str
    writes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    enrolls: frozenset[int] = field(default_factory=frozenset)

    def leads_to(self, other: Node) -> bool:
        return other.id in self.enrolls or bool(self.writes & other.reads)


def read_by_trigger(document: dict[str, Any]) -> frozenset[str]:
    """The properties of which changes enroll; the standing criteria of an event trigger enroll nobody.

    Neither do those of a schedule: it enrolls at its time, whatever has changed.
    """
    trigger = document.get("trigger") or {}
    found = trigger.get("criteria")
    kind = object_types.get(document.get("object", ""))
    if kind is not None and trigger.get("kind") == "event":
        return frozenset(triggers["event"].reads(trigger, kind.slug))
    if not found or kind is None or trigger.get("kind") == "schedule":
        return frozenset()
    return looked_at(found, kind)


def read_to_reenroll(document: dict[str, Any]) -> frozenset[str]:
    """The properties of which changes enroll who was inside before: those of the ticked filters, or of the events."""
    trigger = document.get("trigger") or {}
    if not trigger.get("reenroll"):
        return frozenset()
    if trigger.get("kind") != "filter":
        return read_by_trigger(document)
    kind = object_types[document["object"]]
    if not trigger.get("criteria") or not looked_at(trigger["criteria"], kind):
        return frozenset()  # They cannot be read: the trigger's own problems say so.
    return frozenset().union(*(looked_at(one, kind) for one in reenrolling.ticked(document)))


def looked_at(document: Any, kind: ObjectType) -> frozenset[str]:
    """The properties criteria look at; none where they cannot be read."""
    try:
        compiled = criteria.compile(document, kind, now=ANY_INSTANT, stored=True)
    except DocumentError:
        return frozenset()
    return frozenset(f"{item.object_type}.{item.property}" for item in compiled.dependencies.properties)


def enrolled_in(steps: Any) -> Iterator[int]:
    """The ids of the workflows the steps of a document enroll records in."""
    for step in steps or ():
        target = id_of(str((step.get("params") or {}).get("workflow", "")))
        if step.get("action") in ENROLLING and target is not None:
            yield target
        for branch in step.get("branches") or ():
            yield from enrolled_in(branch.get("steps"))


def node_of(pk: int, document: dict[str, Any], writes: Iterable[str]) -> Node:
    enrolls = frozenset(enrolled_in(document.get("steps")))
    return Node(pk, str(document.get("name", "")), frozenset(writes), read_by_trigger(document), enrolls)


@read_once()
def live_nodes(but: int) -> list[Node]:
    """The workflows records may enter, without one of them."""
    open_ones = Workflow.objects.filter(Q(status__in=Workflow.OPEN), deleted_at=None, live__isnull=False)
    found = []
    for workflow in open_ones.exclude(pk=but).select_related("live"):
        assert workflow.live is not None
        found.append(node_of(workflow.pk, {**workflow.live.definition, "name": workflow.name}, workflow.live.writes))
    return found


def circle_with(node: Node, others: Iterable[Node]) -> list[Node]:
    """The others of the strongly connected component a node is part of: those it leads to and that lead back."""
    every = list(others)

    def spread(forward: bool) -> set[int]:
        seen: set[int] = set()
        waiting = [node]
        while waiting:
            place = waiting.pop()
            for other in every:
                leads = place.leads_to(other) if forward else other.leads_to(place)
                if leads and other.id not in seen:
                    seen.add(other.id)
                    waiting.append(other)
        return seen

    both = spread(True) & spread(False)
    return [other for other in every if other.id in both]
