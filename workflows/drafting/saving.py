"""Drafts in the database: every operation is stored with its inverse, under an optimistic lock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from records.problems import DocumentError
from workflows.definitions.definition import Definition
from workflows.definitions.numbers import refuse_one_more
from workflows.definitions.parsing import FORMAT, parse
from workflows.definitions.permitted import refuse_new
from workflows.drafting import ops
from workflows.drafting.auditing import note_edit
from workflows.drafting.spent import with_spent
from workflows.drafting.telling import step_names, told
from workflows.drafting.tree import refuse
from workflows.models import AuditEntry, DraftOp, Revision, Workflow
from workflows.rights.opening import refuse_change
from workflows.rights.writing import refuse_beyond_rights

UNDO_DAYS = 30


class Conflict(Exception):
    """Somebody else has changed the draft: `by` whom, `at` when, what `op` did; `rev` is the draft's now."""

    def __init__(self, *, by: Any, at: dt.datetime | None, rev: int, op: str) -> None:
        self.by, self.at, self.rev, self.op = by, at, rev, op
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        who = str(self.by) if self.by else _("Somebody")
        when = date_format(timezone.localtime(self.at), "TIME_FORMAT") if self.at else "–"
        return _("%(who)s %(op)s at %(when)s.") % {"who": who, "op": self.op or _("changed the draft"), "when": when}


@dataclass(frozen=True)
class Applied:
    """The draft after an operation, the id of the step to select ("" for none), and the draft parsed."""

    revision: Revision
    selected: str = ""
    op: str = ""
    definition: Definition | None = None


@transaction.atomic
def create(
    name: str, object_type: str, user: Any, definition: dict[str, Any] | None = None, *, unnamed: bool = False
) -> Workflow:
    """A workflow that is off, with a draft. `unnamed`: the name is only for the list, and one is made at the review.

    Raises DocumentError when the definition cannot be read, uses what the person may not use (TRG-12), or changes what
    they may not edit (PRM-05).
    """
    document = definition or {"format": FORMAT, "steps": []}
    document = {**document, "name": name, "object": object_type}
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
        raise refuse("name", _("A workflow's name has 1 to 200 characters."), name)
    if definition and definition.get("object", object_type) != object_type:
        message = _("The definition is about “%(other)s”, not “%(kind)s”. Send the same object type twice.")
        values = {"other": definition["object"], "kind": object_type}
        raise refuse("object", message % values, definition["object"])
    parse(document)
    refuse_one_more()
    refuse_new({}, document, user)
    refuse_beyond_rights(None, document, user)
    author = user if getattr(user, "pk", None) else None
    workflow = Workflow.objects.create(
        name=name.strip(), description=document.get("description", ""), object_type=object_type, created_by=author
    )
    if unnamed:
        document = {**document, "name": ""}
    Revision.objects.create(workflow=workflow, number=1, definition=document)
    facts = {"name": workflow.name, "object": object_type}
    AuditEntry.objects.create(workflow=workflow, user=author, action="created", detail=facts, at=workflow.created_at)
    return workflow


def shown(workflow: Workflow) -> Revision | None:
    """What the editor shows: the draft, or the live revision where nothing has changed since."""
    return workflow.revisions.filter(published_at=None).first() or workflow.live


@transaction.atomic
def draft_of(workflow: Workflow) -> Revision:
    """The draft; made from the live revision where there is none. Its `rev` goes on counting from there."""
    locked = Workflow.objects.select_for_update(of=("self",)).select_related("live").get(pk=workflow.pk)
    draft = locked.revisions.filter(published_at=None).first()
    if draft is not None:
        return draft
    number = (locked.revisions.aggregate(last=Max("number"))["last"] or 0) + 1
    if locked.live is not None:
        document, rev = as_called_now(locked, locked.live.definition), locked.live.rev
    else:
        document = {"format": FORMAT, "name": locked.name, "object": locked.object_type, "steps": []}
        rev = 0
    return Revision.objects.create(workflow=locked, number=number, definition=document, rev=rev)


def as_called_now(workflow: Workflow, published: dict[str, Any]) -> dict[str, Any]:
    """What is published, under the name and description the workflow was given since."""
    found = dict(published)
    if found.get("name") and found["name"] != workflow.name:
        found["name"] = workflow.name
    if found.get("description", "") != workflow.description:
        found["description"] = workflow.description
    return found


def locked_draft(workflow: Workflow, rev: int, now: dt.datetime) -> Revision:
    """The draft, locked, at the `rev` the caller has seen. Raises Conflict otherwise."""
    draft = draft_of(workflow)
    if rev != draft.rev:
        raise last_change(draft)
    return draft


def last_change(draft: Revision) -> Conflict:
    """What somebody has done to the draft last, as it is told to who has not seen it."""
    last = draft.ops.order_by("-rev").select_related("user").first()
    return Conflict(
        by=last.user if last else None,
        at=last.at if last else draft.created_at,
        rev=draft.rev,
        op=told(last.op, step_names(last.inverse, draft.definition)) if last and not last.undone else "",
    )


@transaction.atomic
def apply(workflow: Workflow, op: dict[str, Any], *, rev: int, user: Any, now: dt.datetime) -> Applied:
    """Carry out an operation on the draft that is at `rev`. Raises Conflict and DocumentError; then nothing is kept.

    What it brings in and the person may not use is refused (TRG-12), so are steps that change what they may not edit
    (PRM-05). What was undone before can no longer be redone. Raises PermissionDenied where they only read (PRM-08).
    """
    refuse_change(workflow, user)
    draft = locked_draft(workflow, rev, now)
    op = with_spent(op, workflow, draft.definition)
    done = ops.done(draft.definition, op)
    document, selected = done.document, done.selected
    if isinstance(op, dict) and op.get("op") == "edit":
        ops.operation(op)  # Only undo may: raises.
    refuse_new(draft.definition, document, user)
    refuse_beyond_rights(draft.definition, document, user)
    if document == draft.definition:
        return Applied(draft, selected, definition=done.definition)
    draft.ops.filter(undone=True).delete()
    note_edit(workflow, user, "edited", op, before=draft.definition, after=document, now=now)
    store(draft, document, workflow)
    author = user if getattr(user, "pk", None) else None
    DraftOp.objects.create(
        workflow=workflow, revision=draft, rev=draft.rev, user=author, at=now, op=op, inverse=done.inverse
    )
    return Applied(draft, selected, told(op), done.definition)


def store(draft: Revision, document: dict[str, Any], workflow: Workflow) -> None:
    draft.definition, draft.rev = document, draft.rev + 1
    draft.save(update_fields=["definition", "rev"])
    if workflow.live_id is None:
        workflow.name = document.get("name") or workflow.name
        workflow.description = document.get("description", "")
    workflow.save(update_fields=["name", "description", "updated_at"])


def undoable(draft: Revision, now: dt.datetime) -> tuple[DraftOp | None, DraftOp | None]:
    """The operation that undo would take back and the one that redo would repeat: of the last 30 days."""
    recent = draft.ops.filter(at__gte=now - dt.timedelta(days=UNDO_DAYS))
    done = recent.filter(undone=False).order_by("-rev").first()
    waiting = recent.filter(undone=True, rev__gt=done.rev if done else -1).order_by("rev").first()
    return done, waiting


@transaction.atomic
def undo(workflow: Workflow, *, rev: int, user: Any, now: dt.datetime) -> Applied:
    """Take back the last operation (EDT-09). Raises Conflict, and DocumentError when there is none."""
    refuse_change(workflow, user)
    draft = locked_draft(workflow, rev, now)
    last, _waiting = undoable(draft, now)
    if last is None:
        raise refuse("op", _("There is nothing to undo in the last %(days)d days.") % {"days": UNDO_DAYS})
    done = ops.done(draft.definition, last.inverse)
    refuse_others(last, draft.definition, done.document, user)
    note_edit(workflow, user, "undone", last.op, before=draft.definition, after=done.document, now=now)
    store(draft, done.document, workflow)
    draft.ops.filter(pk=last.pk).update(undone=True)
    return Applied(draft, done.selected, told(last.op), done.definition)


@transaction.atomic
def redo(workflow: Workflow, *, rev: int, user: Any, now: dt.datetime) -> Applied:
    """Repeat what was undone last. Raises Conflict, and DocumentError when there is nothing."""
    refuse_change(workflow, user)
    draft = locked_draft(workflow, rev, now)
    _done, waiting = undoable(draft, now)
    if waiting is None:
        raise refuse("op", _("There is nothing to redo."))
    done = ops.done(draft.definition, waiting.op)
    refuse_others(waiting, draft.definition, done.document, user)
    note_edit(workflow, user, "redone", waiting.op, before=draft.definition, after=done.document, now=now)
    store(draft, done.document, workflow)
    draft.ops.filter(pk=waiting.pk).update(undone=False, inverse=done.inverse)
    return Applied(draft, done.selected, told(waiting.op), done.definition)


def refuse_others(op: DraftOp, before: dict[str, Any], after: dict[str, Any], user: Any) -> None:
    """Raise DocumentError where undoing or repeating an edit brings in what the person may not use or change.

    Their own edit they may take back: what it brings in again was there when they made it.
    """
    if op.user_id is None or op.user_id != getattr(user, "pk", None):
        refuse_new(before, after, user)
    refuse_beyond_rights(before, after, user)


def carry_out(workflow: Workflow, op: Any, *, rev: int, user: Any, now: dt.datetime) -> Applied:
    """Carry out what an editor sends: an operation, or {"op": "undo"} or {"op": "redo"}. Raises like `apply`."""
    verb = {"undo": undo, "redo": redo}.get(str(op.get("op"))) if isinstance(op, dict) else None
    if verb is not None:
        return verb(workflow, rev=rev, user=user, now=now)
    return apply(workflow, op, rev=rev, user=user, now=now)


def replace(workflow: Workflow, document: Any, rev: int, *, user: Any, now: dt.datetime) -> Applied:
    """Replace the whole draft. Raises Conflict and DocumentError."""
    return apply(workflow, {"op": "replace", "document": document}, rev=rev, user=user, now=now)


__all__ = ["Applied", "Conflict", "DocumentError", "apply", "create", "draft_of", "redo", "replace", "undo"]
