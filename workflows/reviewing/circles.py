"""Workflows that may start one another without end (decision 14), without those that only seem to.

The graph of workflows.definitions.cycles says who writes what the other's trigger looks at. Not all of its ways can be
gone again and again: a workflow without re-enrollment takes each record once, and a step that sets a property to a
value with which nobody meets the trigger starts nobody. Such ways are left out; records that are made are new each
time.
"""

from __future__ import annotations

import json
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from records.criteria.contradictions import possible
from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows.definitions import touching
from workflows.definitions.cycles import (
    Node,
    circle_with,
    enrolled_in,
    live_nodes,
    node_of,
    read_by_trigger,
    read_to_reenroll,
)
from workflows.definitions.definition import Definition, Step
from workflows.definitions.parsing import parse
from workflows.enrollment import reenrolling
from workflows.models import Workflow
from workflows.registries import actions
from workflows.reviewing.competing import ADDED, effect_of
from workflows.reviewing.conditions import ANY_OF, Conditions
from workflows.step_forms.params import StepContext

NAMED = 5
#: The operator that says that a property has one value, by the family of its type.
EQUALS = {**ANY_OF, "number": "is_equal_to"}


def problems(conditions: Conditions, workflow: int) -> list[Problem]:
    """A warning that names the workflows with which this one would go round in circles once it is published.

    Its place is the first step that leads to one of them.
    """
    definition = conditions.definition
    own = node_of(workflow, definition.document, touching.writes(definition))
    seeming = circle_with(own, live_nodes(but=workflow))
    known = {workflow: conditions, **read(seeming, conditions)}
    found = circle_with(*precise(own, seeming, known)) if seeming else []
    if not found:
        return []
    names = [_("“%(name)s”") % {"name": other.name} for other in found[:NAMED]]
    if len(found) > NAMED:
        names.append(_("%(count)d more") % {"count": len(found) - NAMED})
    message = _(
        "This workflow and %(others)s may start one another again and again: each does what another one is waiting "
        "for. A chain that becomes too long is stopped. Check that the records come to an end."
    )
    led = (way for other in found if (way := way_to(other.id, conditions, known.get(other.id))))
    told = message % {"others": get_text_list(names, _("and"))}
    return [Problem(next(led, "steps"), told, severity="warning", code="cycle")]


def read(nodes: list[Node], conditions: Conditions) -> dict[int, Conditions]:
    """The definitions of the live workflows of nodes; what cannot be read (any more) is left out."""
    found = {}
    for workflow in Workflow.objects.filter(pk__in=[node.id for node in nodes]).select_related("live"):
        try:
            if workflow.live is not None:
                found[workflow.pk] = Conditions(parse(workflow.live.definition), conditions.now)
        except DocumentError:
            continue
    return found


def precise(own: Node, others: list[Node], known: dict[int, Conditions]) -> tuple[Node, list[Node]]:
    """The same nodes with the ways between them that may really be taken, each under a name of its own."""
    ways: dict[int, set[str]] = {node.id: set() for node in (own, *others)}
    ends: dict[int, set[str]] = {node.id: set() for node in (own, *others)}
    for one in (own, *others):
        for two in (own, *others):
            source = known.get(one.id)
            if one is not two and (source is None or way_to(two.id, source, known.get(two.id))):
                ways[one.id].add(f"{one.id} {two.id}")
                ends[two.id].add(f"{one.id} {two.id}")
    made = [Node(one.id, one.name, frozenset(ways[one.id]), frozenset(ends[one.id])) for one in (own, *others)]
    return made[0], made[1:]


def way_to(target: int, source: Conditions, other: Conditions | None) -> str:
    """The path of the first step that may start another workflow again and again; "" where none may."""
    document = other.definition.document if other else None
    first = read_by_trigger(document) if document else frozenset()
    again = read_to_reenroll(document) if document else frozenset()
    for step in source.definition.walk():
        if target in enrolled_in([{"action": step.action, "params": step.params}]):
            if document is None or reenrolling.allowed(document):
                return step.path
            continue
        action = actions[step.action]
        names = action.writes(step.params, StepContext(source.definition, step)) & (first if action.creates else again)
        if other is not None and any(may_start(step, name, other) for name in names):
            return step.path
    return ""


def may_start(step: Step, name: str, other: Conditions) -> bool:
    """Whether somebody could meet a trigger with what a step makes of a property ("object_type.property")."""
    effect, (kind, _dot, slug) = effect_of(step), name.partition(".")
    trigger, definition = other.trigger, other.definition
    if step.action != "edit_record" or effect in (None, ADDED) or kind != definition.object:
        return True
    if definition.trigger.kind != "filter" or trigger is None:
        return True
    wanted = other.compiled({"all": [is_exactly(slug, json.loads(str(effect)), definition)]})
    return wanted is None or possible([(trigger, True), (wanted, True)])


def is_exactly(slug: str, value: Any, definition: Definition) -> dict[str, Any]:
    """A filter for a property with one value; one that cannot be read where nothing says it that plainly."""
    if value is None:
        return {"property": slug, "operator": "is_unknown"}
    prop = object_types[definition.object].properties().get(slug)
    family = prop.kind.family if prop else ""
    if family == "boolean":
        return {"property": slug, "operator": "is_true" if value is True else "is_false"}
    several = family != "number"
    return {"property": slug, "operator": EQUALS.get(family, ""), "value": [value] if several else value}
