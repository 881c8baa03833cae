"""Criteria nobody can meet, branches nobody takes, doors that put everybody out again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.contradictions import contradictions, possible
from records.criteria.or_traps import or_traps
from records.problems import Problem
from workflows.definitions.definition import Definition, Step
from workflows.reviewing.conditions import DECIDING, Conditions

#: Why nobody stays, by what takes everybody out.
SHUT = {
    "goal": gettext_lazy(
        "Every record that meets the trigger has met the goal already: it leaves at once. Change the one or the other."
    ),
    "unenroll.criteria": gettext_lazy(
        "Every record that meets the trigger meets what unenrolls, too: nobody gets in. Change the one or the other."
    ),
}


def problems(conditions: Conditions) -> Iterator[Problem]:
    yield from contradictory(conditions)
    yield from shut_doors(conditions)
    for step in conditions.definition.walk():
        if step.action in DECIDING:
            yield from untaken(step, conditions)


def contradictory(conditions: Conditions) -> Iterator[Problem]:
    """Criteria of which the filters exclude one another, or of which alternatives say nothing."""
    for path, document in criteria_of(conditions.definition):
        compiled = conditions.compiled(document)
        for code, find in (("contradiction", contradictions), ("or_trap", or_traps)):
            for found in find(compiled) if compiled else ():
                place = ".".join(part for part in (path, found.path) if part)
                yield Problem(place, found.message, severity="warning", code=code)


def criteria_of(definition: Definition) -> Iterator[tuple[str, object]]:
    """Every criteria about the enrolled record, with its place."""
    yield "trigger.criteria", definition.trigger.criteria
    yield "goal", definition.document.get("goal")
    yield "unenroll.criteria", unenrolling(definition)
    for step in definition.walk():
        for index, branch in enumerate(step.branches):
            yield f"{step.path}.branches.{index}.criteria", branch.criteria


def shut_doors(conditions: Conditions) -> Iterator[Problem]:
    """Everybody the trigger enrolls leaves at once."""
    trigger, document = conditions.trigger, conditions.definition.document
    if trigger is None or not possible([(trigger, True)]):
        return
    for path, leaves in (("goal", document.get("goal")), ("unenroll.criteria", unenrolling(conditions.definition))):
        compiled = conditions.compiled(leaves)
        if compiled is not None and not possible([(trigger, True), (compiled, False)]):
            yield Problem(path, str(SHUT[path]), severity="warning", code="shut_door")
    suppressed = document.get("suppress")
    for index, slug in enumerate(suppressed if isinstance(suppressed, list) else ()):
        outside = conditions.compiled({"all": [{"list": slug, "operator": "is_not_member"}]})
        if outside is not None and not possible([(trigger, True), (outside, True)]):
            message = _(
                "The trigger only lets in members of the list “%(list)s”, which keeps its members out. Take it out of "
                "the suppression lists."
            )
            yield Problem(f"suppress.{index}", message % {"list": slug}, severity="warning", code="shut_door")


def unenrolling(definition: Definition) -> Any:
    """The criteria that take records out."""
    unenroll = definition.document.get("unenroll")
    return unenroll.get("criteria") if isinstance(unenroll, dict) else None


def untaken(step: Step, conditions: Conditions) -> Iterator[Problem]:
    """Branches that no record takes, because an earlier one has it already, or because nobody like that comes."""
    here = conditions.arriving.get(step.id, ())
    if here and not possible(here):
        return  # The criteria above are what is wrong.
    for index, branch in enumerate(step.branches):
        own, way = conditions.branches.get((step.id, index)), conditions.way(step, index)
        if own is None and (branch.criteria or branch.values or not branch.steps or not way):
            continue
        if own is not None and not possible([(own, True)]):
            continue  # A contradiction, which is told as one.
        facts = {"name": branch.name}
        if not possible(way) and own:
            message = _(
                "No record takes the branch “%(name)s”: whoever could takes one before it. Put it first, or remove it."
            )
        elif not possible(way):
            message = _("No record is left for the branch “%(name)s”: the others take everybody. Remove its steps.")
        elif here and not possible([*here, *way]):
            message = _(
                "No record takes the branch “%(name)s”: nobody who comes to this step can be so. Change its criteria, "
                "or those that lead here."
            )
        else:
            continue
        part = ".criteria" if branch.criteria else ".values" if branch.values else ""
        path = f"{step.path}.branches.{index}{part}"
        yield Problem(path, message % facts, severity="warning", code="untaken")
