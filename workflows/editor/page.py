"""What the editor page and its answers hold: the canvas, what can be undone, the palette."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from records.moments import moment
from records.object_types import object_types
from records.problems import Problem
from records.vocabulary import read_once
from workflows import drafting
from workflows.definitions import centres, checking
from workflows.definitions.centres import Centre
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.drafting.telling import step_names, told
from workflows.editor.canvas import State, drawn
from workflows.editor.layout import layout
from workflows.editor.patching import patch
from workflows.editor.pieces import Drawn
from workflows.editor.settings_panel import NAME as SETTINGS
from workflows.editor.shown import shown
from workflows.models import DraftOp, Revision, Workflow
from workflows.registries import actions
from workflows.rights import writing
from workflows.schedules import centring
from workflows.step_forms.answers import Answers


@read_once()
def facts(
    workflow: Workflow,
    revision: Revision,
    *,
    now: dt.datetime,
    selected: str = "",
    editable: bool = True,
    collapsed: frozenset[str] = frozenset(),
    user: Any = None,
    seen: str = "",
    definition: Definition | None = None,
) -> dict[str, Any]:
    """Everything the page shows about a draft, as JSON. `collapsed`: branchings whose branches are not drawn.

    `user` is who is offered only the actions that person may add (PRM-05). `seen` names the canvas the page shows: as
    long as that is remembered, what has changed comes as `patch`, and otherwise the whole `canvas`. `definition` is
    the revision's, where that has been read already.
    """
    definition = definition or parse(revision.definition)
    answers = Answers(definition, workflow.pk)
    found = checking.errors(checking.problems(definition, workflow=workflow.pk, answers=answers))
    faults = by_step(found, definition)
    picture = layout(definition, collapsed)
    shows = drawn(picture, State(faults, selected, editable, locked(definition, user), answers))
    done, waiting = drafting.undoable(revision, now) if revision.published_at is None else (None, None)
    return {
        "rev": revision.rev,
        "name": workflow.name if revision.published_at else definition.name or workflow.name,
        **sent(workflow, shows, seen, editable),
        "width": picture.width,
        "height": picture.height,
        "selected": selected,
        "problems": sum(len(messages) for messages in faults.values()),
        "wrong_settings": SETTINGS in faults,
        "undo": _("Undo: %(op)s") % {"op": in_words(done, revision)} if done else "",
        "redo": _("Redo: %(op)s") % {"op": in_words(waiting, revision)} if waiting else "",
        "saved": saved(revision, now) if done or workflow.live_id is None else "",
        "draft": revision.published_at is None,
        "unfit": unfit(definition, user),
    }


def sent(workflow: Workflow, shows: Drawn, seen: str, editable: bool) -> dict[str, Any]:
    """The canvas, or how to make it out of the one with the name `seen`; and its own name."""
    known = shown.find(workflow.pk, seen) if editable else None
    if editable and shows.name != seen:
        shown.keep(workflow.pk, shows, before=seen if known else "")
    if known is None:
        return {"canvas": shows.html, "picture": shows.name}
    return {"patch": {"since": seen, **patch(known, shows)}, "picture": shows.name}


def in_words(op: DraftOp, revision: Revision) -> str:
    """What an operation of a draft did, with the steps called as people know them."""
    return told(op.op, step_names(op.inverse, revision.definition))


def locked(definition: Definition, user: Any) -> dict[str, str]:
    """Why a person may not set up steps as they are, by step id: they change or tell what takes a right (PLH-06)."""
    return {fault.part: fault.message for fault in writing.faults(definition, user)}


def saved(revision: Revision, now: dt.datetime) -> str:
    last = revision.ops.order_by("-at").first()
    at = localtime(last.at if last else revision.created_at)
    today = at.date() == localtime(now).date()
    return _("Saved %(when)s") % {"when": date_format(at, "TIME_FORMAT") if today else moment(at)}


def by_step(found: list[Problem], definition: Definition) -> dict[str, list[str]]:
    """The messages of each step's problems; what belongs to no step is the trigger's or the workflow's ("")."""
    told = problems_by_step(found, definition).items()
    return {step: [str(problem.message) for problem in problems] for step, problems in told}


def problems_by_step(found: list[Problem], definition: Definition) -> dict[str, list[Problem]]:
    """The problems of each step, under its id."""
    places = {step.path: step.id for step in definition.walk()}
    sorted_out: dict[str, list[Problem]] = {}
    for problem in found:
        step_id = next((places[path] for path in around(problem.path) if path in places), "")
        if problem.path.startswith(("trigger", "unenroll", "suppress", "goal", "centre")):
            step_id = "trigger"
        if problem.path.startswith("settings"):
            step_id = SETTINGS
        sorted_out.setdefault(step_id, []).append(problem)
    return sorted_out


def around(path: str) -> Iterator[str]:
    """A path and those it lies in, from the inside."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def centre_of(workflow: Workflow) -> Centre | None:
    """The date the shown definition is centred on."""
    revision = drafting.shown(workflow)
    return centres.read(revision.definition.get("centre")) if revision else None


def unfit(definition: Definition, user: Any = None) -> dict[str, str]:
    """Why actions cannot be used in this draft, by action; those that can are left out."""
    groups = palette(definition.object, definition.centre, user)
    return {entry["slug"]: str(entry["reason"]) for group in groups for entry in group["actions"] if entry["reason"]}


def palette(object_type: str, centre: Centre | None = None, user: Any = None) -> list[dict[str, Any]]:
    """The actions by category; those that cannot be used for the object type, this centre or by the person with the
    reason; those that take a right the person lacks are locked (PLH-06).
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    kind = object_types[object_type]
    for action in actions.values():
        usable = action.offered_to(kind)
        reason = "" if usable else _("Not for %(kind)s workflows") % {"kind": kind.label}
        reason = reason or centring.unfit(str(action.slug), centre)
        reason = reason or action.unavailable()
        locked = "" if reason else writing.unfit(action, kind, user)
        entry = {"slug": action.slug, "label": action.label, "description": action.description, "icon": action.icon}
        entry |= {"reason": reason or locked, "locked": bool(locked), "inside": action.in_branches}
        groups.setdefault(str(action.group), []).append(entry)
    return [{"label": label, "actions": entries} for label, entries in groups.items()]


def panel(context: dict[str, Any], request: Any) -> str:
    return render_to_string("admin/workflows/workflow/panel.html", context, request)
