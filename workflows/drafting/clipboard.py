"""Steps as a text that says what it is: copied in one editor and pasted in another, here or in another installation.

What is pasted gets ids of its own. What it says of steps that were copied along is about the copies; what it says of
other steps is kept in the workflow it comes from, and taken out, with a note, in any other one.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from records.object_types import object_types
from records.problems import Problem
from workflows.definitions import checking
from workflows.definitions.definition import GO_TO, Definition
from workflows.definitions.parsing import parse
from workflows.definitions.permitted import refuse_new
from workflows.drafting import ops
from workflows.drafting.data_sources import fitting, used_by
from workflows.drafting.mentions import mentioned, renamed
from workflows.drafting.selecting import chosen
from workflows.drafting.tree import Document, ids, refuse, walk
from workflows.models import Workflow
from workflows.registries import actions
from workflows.rights.opening import openable, unnamed
from workflows.rights.writing import refuse_beyond_rights
from workflows.step_forms.params import StepContext

FORMAT = "headrace.steps"
VERSION = 1


@dataclass(frozen=True)
class Fitted:
    """Steps as they can be pasted at a place, and what does not fit there, in sentences."""

    steps: list[Document]
    notes: list[str]
    #: The data sources they use that are not there yet: they are pasted along.
    sources: list[Document]


def copied(workflow: Workflow, document: Document, step_ids: Any) -> Document:
    """The clipboard's content for some steps of a workflow. Raises DocumentError for a step that is not there."""
    steps = [copy.deepcopy(found.step) for found in chosen(document, step_ids)]
    named = {str(params["workflow"]) for params in params_of(steps) if params.get("workflow")}
    return {
        "format": FORMAT,
        "version": VERSION,
        "object": workflow.object_type,
        "workflow": workflow.name,
        "source": source_of(workflow),
        "workflows": names_of(named),
        "sources": used_by(steps, document),
        "steps": steps,
    }


def as_text(found: Document) -> str:
    """The clipboard's content as the text that is pasted elsewhere."""
    return json.dumps(found, indent=1, ensure_ascii=False)


def source_of(workflow: Workflow) -> str:
    """Tells a workflow from all others, of other installations, too."""
    return salted_hmac("workflows.clipboard", f"{workflow.pk} {workflow.created_at.isoformat()}").hexdigest()[:16]


def names_of(numbers: set[str]) -> dict[str, str]:
    """What the workflows are called that steps name by number: numbers mean nothing elsewhere.

    Those that are closed to who reads have no name here (PRM-09).
    """
    wanted = [number for number in numbers if number.isascii() and number.isdecimal() and len(number) < 19]
    rows = Workflow.objects.filter(pk__in=wanted, deleted_at=None).values_list("pk", "name") if wanted else ()
    closed = unnamed([pk for pk, _name in rows])
    return {str(pk): name for pk, name in rows if pk not in closed}


def read(text: Any) -> Document:
    """The content of a clipboard. Raises DocumentError saying what was copied and what can be pasted."""
    message = _("This is not text copied from a workflow. Select steps in an editor, copy them, and paste that text.")
    try:
        # A copy, because what nests too deeply to be copied could not be worked with.
        found = copy.deepcopy(json.loads(text)) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise refuse("text", message, text if isinstance(text, str) else None)
    if found.get("version") != VERSION:
        message = _("The text was written in version %(value)s; this installation reads version %(known)d. Update it.")
        raise refuse("version", message % {"value": found.get("version"), "known": VERSION}, found.get("version"))
    steps = found.get("steps")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise refuse("steps", _("The text holds no steps. Copy at least one step, and paste that text."), steps)
    return found


def fitted(text: Any, workflow: Workflow, document: Document, at: Any, user: Any) -> Fitted:
    """The steps of a clipboard's text, made ready for a place of a draft, which stays as it is.

    Raises DocumentError for what cannot be pasted at all: another text, unknown actions, too many steps, and what the
    person may not use or change.
    """
    found = read(text)
    steps = found["steps"]
    ops.apply(document, {"op": "paste", "at": at, "steps": steps})  # Refuses what are no steps.
    notes = with_workflows(steps, found, user)
    notes += loosened(steps, document if found.get("source") == source_of(workflow) else {})
    sources, told = fitting(found.get("sources"), steps, document)
    notes += told
    after, _inverse, _first = ops.apply(document, {"op": "paste", "at": at, "steps": steps, "sources": sources})
    refuse_new(document, after, user)
    refuse_beyond_rights(document, after, user)
    had = ids(document)
    notes += [problem_note(*one) for one in misfits(parse(after), had, workflow, user)]
    if notes and found.get("object") != workflow.object_type:
        notes.insert(0, other_records(found.get("object"), workflow))
    return Fitted(steps, notes, sources)


def other_records(slug: Any, workflow: Workflow) -> str:
    message = _("These steps were made for “%(theirs)s”; this workflow is about “%(ours)s”.")
    named = {name: kind.label_plural for name, kind in object_types.items()}
    return message % {"theirs": named.get(str(slug), slug), "ours": named[workflow.object_type]}


def with_workflows(steps: list[Document], found: Document, user: Any) -> list[str]:
    """Have steps name the workflows that are called the same here; a note for each that is not here."""
    listed = found.get("workflows")
    theirs: dict[str, Any] = listed if isinstance(listed, dict) else {}
    here = names_of(set(theirs))
    notes = []
    for params in params_of(steps):
        number = str(params.get("workflow", ""))
        name = theirs.get(number)
        if not isinstance(name, str) or here.get(number) == name:
            continue
        rows = openable(Workflow.objects.filter(name=name, deleted_at=None), user)
        # What no workflow can be called, such as a NUL, the database takes not even as a question.
        known = list(rows.values_list("pk", flat=True)[:2]) if name.isprintable() else []
        if len(known) == 1:
            params["workflow"] = str(known[0])
            continue
        del params["workflow"]
        message = _("There is no workflow “%(name)s” here. Choose another one in the step.")
        if known:
            message = _("Several workflows are called “%(name)s” here. Choose one of them in the step.")
        notes.append(message % {"name": name})
    return notes


def loosened(steps: list[Document], home: Document) -> list[str]:
    """Take out what steps say of steps that are neither copied along nor `home`; a note for each."""
    inside = {found.step["id"] for found in walk(steps) if isinstance(found.step.get("id"), str)}
    known = inside | ids(home)
    notes = []
    for params in params_of(steps, GO_TO):
        if isinstance(params.get("step"), str) and params["step"] not in known:
            message = _("A go-to leads to step “%(step)s”, which was not copied along. Choose where it leads.")
            notes.append(message % {"step": params.pop("step")})
    for params in params_of(steps):
        source, _dot, output = str(params.get("output", "")).rpartition(".")
        if source and source not in known:
            message = _(
                "A branching looks at “%(output)s” of step “%(step)s”, which was not copied along. Choose again."
            )
            notes.append(message % {"output": output, "step": source})
            del params["output"]
        # A step of the same id would be another one: named so, it is found missing, and told.
        lost = mentioned(params) - known
        params.update(renamed(params, {step: f"missing-{step}"[:60] for step in lost}))
    return notes


def params_of(steps: list[Document], action: str = "") -> Iterator[dict[str, Any]]:
    """The settings of all steps, or of those with an action."""
    for found in walk(steps):
        params = found.step.get("params")
        if isinstance(params, dict) and (not action or found.step.get("action") == action):
            yield params


def misfits(
    definition: Definition, had: set[str], workflow: Workflow, user: Any
) -> Iterator[tuple[Definition, str, Problem]]:
    """What is wrong with the steps that are new in a definition; what is only not filled in yet is not."""
    context = StepContext(definition, None, user, workflow.pk)
    for step in definition.walk():
        if step.id in had:
            continue
        for problem in checking.step_problems(context.at(step)):
            if problem.severity == "error" and not unfinished(problem):
                yield definition, step.id, problem


def unfinished(problem: Problem) -> bool:
    """Whether there is nothing there that could fail to fit."""
    return problem.code == "missing" or (problem.code == "invalid" and problem.value in (None, "", [], {}))


def problem_note(definition: Definition, step_id: str, problem: Problem) -> str:
    """Step, field, and the sentence that names the value and the remedy."""
    step = definition.by_id[step_id]
    action = actions[step.action]
    facts = {"number": definition.number_of(step_id), "action": action.label, "message": problem.message}
    key = problem.path.removeprefix(f"{step.path}.params.").split(".")[0]
    field = action.Params.base_fields.get(key) if problem.path != f"{step.path}.params" else None
    if field is None or not field.label:
        return _("Step %(number)d, %(action)s: %(message)s") % facts
    return _("Step %(number)d, %(action)s, “%(field)s”: %(message)s") % {**facts, "field": field.label}


__all__ = ["Fitted", "as_text", "copied", "fitted"]
