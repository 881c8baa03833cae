"""Parts of a workflow by AI, inside its editor: its trigger, some steps, its name and description (CRE-06 to CRE-08).

They are drafts like whole workflows: looked at first, then taken into the workflow's own draft by one operation, which
can be undone.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from workflows import drafting
from workflows.models import AIDraft, Workflow
from workflows.rights.opening import refuse_change

Part = AIDraft.Part
#: Characters of the workflow so far that a model is told.
TOLD = 40_000
TASKS = {
    Part.TRIGGER: "Write only what enrolls records: the trigger. Leave steps an empty list.",
    Part.STEPS: (
        "Write only the steps the wish asks for; leave the trigger out. They are added to the workflow that stands "
        "below, so take ids its steps do not have, and use results of its steps where they help."
    ),
    Part.WORDS: (
        "Write only a name (at most eight words) and a description (one or two sentences: what it does and why) for "
        "the workflow that stands below, in the language most of its texts are in. Leave the definition empty."
    ),
}


def task_of(part: str, workflow: Workflow | None) -> str:
    """What a model is told besides for a part of a workflow; "" for a whole one."""
    if not part or workflow is None:
        return ""
    revision = drafting.shown(workflow)
    document = dict(revision.definition) if revision is not None else {}
    so_far = json.dumps({key: document.get(key) for key in ("name", "trigger", "steps")}, ensure_ascii=False)
    return f"\n\n{TASKS[Part(part)]}\nThe workflow so far: {so_far[:TOLD]}"


def only(part: str, document: dict[str, Any]) -> dict[str, Any]:
    """A document without what was not asked for."""
    if part == Part.TRIGGER:
        return {**document, "steps": []}
    if part == Part.STEPS:
        return {key: value for key, value in document.items() if key != "trigger"}
    return document


def missing(part: str, document: dict[str, Any]) -> str:
    """Why a document does not have the part that was asked for, as a sentence; "" when it has."""
    if part == Part.TRIGGER and not document.get("trigger"):
        return _("The model wrote no trigger that can be used. Say it in other words.")
    if part == Part.STEPS and not document.get("steps"):
        return _("The model wrote no steps that can be used. Say it in other words.")
    return ""


def take_in(draft: AIDraft, document: dict[str, Any], *, by: Any, now: dt.datetime) -> tuple[Workflow, str]:
    """Put a part into the workflow it was written for, once: the workflow, and the step to look at.

    Raises DocumentError where it does not fit, and PermissionDenied.
    """
    with transaction.atomic():
        # Two clicks at once are one.
        locked = AIDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        workflow = Workflow.objects.filter(pk=locked.into_id or 0, deleted_at=None).first()
        if workflow is None:
            raise DocumentError([Problem("", _("The workflow was deleted. Restore it, or begin another one."))])
        refuse_change(workflow, by)
        if locked.workflow_id is not None:
            return workflow, ""
        revision = drafting.draft_of(workflow)
        op = op_of(locked, document, revision.definition)
        done = drafting.apply(workflow, op, rev=revision.rev, user=by, now=now)
        locked.workflow = workflow
        locked.save(update_fields=["workflow"])
    return workflow, done.selected


def op_of(draft: AIDraft, document: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """The operation that brings a part in: steps come after the last one."""
    if draft.part == Part.TRIGGER:
        return {"op": "set_trigger", "trigger": document["trigger"]}
    if draft.part == Part.STEPS:
        return {"op": "paste", "at": f"steps.{len(current.get('steps') or ())}", "steps": document["steps"]}
    description = {"op": "set_settings", "values": {"description": document["description"]}}
    return {"op": "batch", "ops": [{"op": "rename", "name": document["name"]}, description]}
