"""The outline of a workflow: its steps as a nested list, with every operation as a plain form."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from records.clock import database_now
from records.ids import id_of
from records.problems import DocumentError
from records.vocabulary import read_once
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.discussion.places import open_threads
from workflows.drafting import clipboard
from workflows.drafting.telling import step_names, told
from workflows.editor import page
from workflows.editor.outline import Reading, outline
from workflows.models import Revision, Workflow
from workflows.rights import opening
from workflows.step_forms.answers import Answers

OP_LIMIT = 20_000
#: The number of changes of no draft.
NONE = -1


class OutlineViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def outline_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: the list; `?move=` and `?add` offer places, `?at=` offers actions for one, `?copy=` a step as text.

        POST: an operation, or with `paste` the text of steps for that place.
        """
        workflow = self.workflow_or_404(request, pk, "change" if request.method == "POST" else "view")
        if request.method == "POST":
            return change(request, workflow)
        revision = drafting.shown(workflow) or drafting.draft_of(workflow)
        context = self.admin_site.each_context(request) | page_of(request, workflow, revision)
        return TemplateResponse(request, "admin/workflows/workflow/outline.html", context)


@read_once()
def page_of(request: HttpRequest, workflow: Workflow, revision: Revision) -> dict[str, Any]:
    may_change = opening.may_change(workflow, request.user)
    definition, asked = parse(revision.definition), request.GET
    moving = asked.get("move", "") if may_change and asked.get("move") in definition.by_id else ""
    found = checking.problems(definition, workflow=workflow.pk, answers=Answers(definition, workflow.pk))
    faults = page.by_step(checking.errors(found), definition)
    adding = may_change and "add" in asked
    reading = Reading(
        reverse("admin:workflow_editor", args=[workflow.pk]), faults, may_change, moving, adding,
        comments=reverse("admin:workflow_comments", args=[workflow.pk]), threads=open_threads(workflow),
    )  # fmt: skip
    done, waiting = drafting.undoable(revision, database_now()) if revision.published_at is None else (None, None)
    return {
        "title": _("Outline"), "workflow": workflow, "rev": revision.rev, "may_change": may_change,
        "outline": outline(definition, reading), "reading": reading, "general": faults.get("", []),
        "count": sum(1 for _step in definition.walk()), "number": definition.number_of(moving) if moving else 0,
        "at": asked.get("at", "") if may_change else "",
        "palette": page.palette(workflow.object_type, page.centre_of(workflow), request.user) if "at" in asked else [],
        "undo": told(done.op, step_names(done.inverse, revision.definition)) if done else "",
        "copied": copied(workflow, revision, asked.get("copy", "")),
        "redo": told(waiting.op, step_names(waiting.inverse, revision.definition)) if waiting else "",
    }  # fmt: skip


def copied(workflow: Workflow, revision: Revision, step: str) -> str:
    """A step with all in it as text for the clipboard; "" where none is asked for, or it is not there."""
    try:
        return clipboard.as_text(clipboard.copied(workflow, revision.definition, [step])) if step else ""
    except DocumentError:
        return ""


def change(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    """Carry out the operation of a button, and come back to the step it was about."""
    now, anchor = database_now(), ""
    try:
        seen = id_of(request.POST.get("rev"))
        rev = NONE if seen is None else seen
        op = pasted(request, workflow) if "paste" in request.POST else sent_op(request)
        applied = drafting.carry_out(workflow, op, rev=rev, user=request.user, now=now)
        anchor = f"#s-{applied.selected}" if applied.selected else ""
        messages.success(request, _("Saved."))
    except drafting.Conflict as conflict:
        messages.error(request, _("%(who)s Nothing was done: look again and repeat it.") % {"who": conflict.sentence})
    except DocumentError as error:
        messages.error(request, " ".join(str(problem.message) for problem in error.problems))
    return redirect(reverse("admin:workflow_outline", args=[workflow.pk]) + anchor)


def pasted(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    """The operation that pastes a text; what does not fit is told. Raises DocumentError for what is no such text."""
    revision, at = drafting.shown(workflow) or drafting.draft_of(workflow), request.POST["paste"]
    found = clipboard.fitted(request.POST.get("text", ""), workflow, revision.definition, at, request.user)
    for note in found.notes:
        messages.warning(request, note)
    return {"op": "paste", "at": at, "steps": found.steps}


def sent_op(request: HttpRequest) -> dict[str, Any]:
    """The operation a button stands for; `{}`, which no operation is, for anything else."""
    text = request.POST.get("op", "")
    try:
        op = json.loads(text) if len(text) <= OP_LIMIT else None
    except (ValueError, RecursionError):
        op = None
    return op if isinstance(op, dict) else {}
