"""Other workflows as a definition names them: only who may change one has records enter or leave it by way of another.

Who has no access to a workflow does not get to name it at all: what a record is or was in it, asked by a filter or
waited for by a delay, tells what its trigger looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.models import Access
from workflows.definitions.definition import Definition
from workflows.models import Workflow
from workflows.registries import actions
from workflows.rights.handing_on import number_of, of_type, taken_out_of, takes_out_of_all, target_of
from workflows.rights.opening import levels

#: Under which key steps, filters and events name a workflow.
KEY = "workflow"


@dataclass(frozen=True)
class Part:
    """A part of a definition that does with a workflow what the person may not; `part` is its step's id, or a word.

    A filter is known by what it names: it may be moved by who could not have brought it in.
    """

    path: str
    part: str
    workflow: int
    message: str


def refused(definition: Definition, user: Any) -> Iterator[Part]:
    """The parts that do with another workflow what the person may not do with it."""
    entered = {(step.path, step.id, str(actions[step.action].label)): target_of(step) for step in definition.walk()}
    left = taken_out_of(definition)
    asked = set(named(definition.document))
    others = of_type([definition.object]).get(definition.object, set()) if takes_out_of_all(definition) else set()
    known = {pk for pk in (*entered.values(), *left, *others, *(pk for _path, pk in asked)) if pk}
    barred = levels(user, known) if known else {}
    if not barred:
        return
    names = dict(Workflow.objects.filter(pk__in=known).values_list("pk", "name"))
    told = set()
    for (path, step, action), pk in entered.items():
        if pk in barred:
            told.add(path)
            yield Part(f"{path}.params", step, pk, why_not_entered(barred[pk], action, names.get(pk, "")))
    for i, pk in enumerate(left):
        if pk in barred:
            yield Part(f"unenroll.others.{i}", "unenroll", pk, why_not_left(barred[pk], names.get(pk, "")))
    if closed := sorted(others & set(barred)):
        message = _("Records are taken out of all other workflows, one of which you may not change. Choose some.")
        yield Part("unenroll.others", "unenroll", closed[0], message)
    for path, pk in sorted(asked):
        if barred.get(pk) == Access.NONE and path.removesuffix(".params") not in told:
            message = _("This names a workflow you have no access to. Choose another one, or ask an administrator.")
            yield Part(path, "named", pk, message)


def named(part: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """Every place in a document that names a workflow under its key, with the workflow."""
    if isinstance(part, dict):
        pk = number_of(part.get(KEY))
        if pk:
            yield path, pk
        for key, inside in part.items():
            yield from named(inside, f"{path}.{key}" if path else str(key))
    elif isinstance(part, list):
        for i, inside in enumerate(part):
            yield from named(inside, f"{path}.{i}" if path else str(i))


def why_not_entered(level: Access, action: str, name: str) -> str:
    if level < Access.VIEW:
        message = _(
            "“%(action)s” enrolls records in a workflow you have no access to. Choose another workflow, or ask "
            "somebody with the right to change it."
        )
    else:
        message = _(
            "“%(action)s” enrolls records in “%(workflow)s”, which you may only read because it changes a property "
            "you may not edit. Choose another workflow, or ask somebody with the right to change it."
        )
    return message % {"action": action, "workflow": name}


def why_not_left(level: Access, name: str) -> str:
    if level < Access.VIEW:
        return _("Records are taken out of a workflow you have no access to. Remove it, or ask an administrator.")
    message = _(
        "Records are taken out of “%(workflow)s”, which you may only read. Remove it, or ask an administrator."
    )
    return message % {"workflow": name}
