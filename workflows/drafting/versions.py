"""Earlier states of a workflow: named ones, published ones, and the draft as it was before an operation.

To restore one is an operation on the draft like any other: it can be undone, and nothing that came after is lost. The
workflow keeps its present name: a version is what it did. Going back to before a change takes back names given since,
too, as undoing does.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from workflows.drafting.differences import edited
from workflows.drafting.saving import UNDO_DAYS, Applied, apply, draft_of, locked_draft, shown
from workflows.drafting.tree import Document, refuse
from workflows.models import DraftOp, NamedVersion, Revision, Workflow
from workflows.models.version import NAME_LIMIT
from workflows.rights.opening import refuse_change

#: What a workflow is called; the rest of a document is what it does.
CALLED = ("name", "description")


@transaction.atomic
def keep(workflow: Workflow, name: str, *, user: Any, now: dt.datetime) -> NamedVersion:
    """Give what the editor shows now a name.

    Raises DocumentError for a name that is blank, too long or taken, PermissionDenied where it may only be read.
    """
    refuse_change(workflow, user)
    name = name.strip()
    if not 0 < len(name) <= NAME_LIMIT or "\0" in name:
        message = _("The name of a version has 1 to %(limit)d characters.")
        raise refuse("name", message % {"limit": NAME_LIMIT}, name)
    Workflow.objects.select_for_update(of=("self",)).get(pk=workflow.pk)
    if workflow.named_versions.filter(name=name).exists():
        raise refuse("name", _("There is a version “%(name)s” already. Choose another name.") % {"name": name}, name)
    revision = shown(workflow) or draft_of(workflow)
    author = user if getattr(user, "pk", None) else None
    return NamedVersion.objects.create(
        workflow=workflow, name=name, definition=revision.definition, created_at=now, created_by=author
    )


def restore_named(workflow: Workflow, version: NamedVersion, *, rev: int, user: Any, now: dt.datetime) -> Applied:
    """Make a named version the draft, but for its name. Raises Conflict and DocumentError."""
    return called_as_now(workflow, version.definition, version.name, rev=rev, user=user, now=now)


def restore_published(workflow: Workflow, revision: Revision, *, rev: int, user: Any, now: dt.datetime) -> Applied:
    """Make a published revision the draft, but for its name. Raises Conflict and DocumentError."""
    name = _("version %(number)d") % {"number": revision.number}
    return called_as_now(workflow, revision.definition, name, rev=rev, user=user, now=now)


@transaction.atomic
def restore_before(workflow: Workflow, op: DraftOp, *, rev: int, user: Any, now: dt.datetime) -> Applied:
    """Make the draft what it was before an operation of the last 30 days. Raises Conflict and DocumentError."""
    draft = locked_draft(workflow, rev, now)
    return replaced(workflow, before(draft, op, now), "", rev=rev, user=user, now=now)


def before(draft: Revision, op: DraftOp, now: dt.datetime) -> Document:
    """The draft's document before one of its operations. Raises DocumentError when it cannot be told any more."""
    if op.revision_id != draft.pk or op.undone or op.at < now - dt.timedelta(days=UNDO_DAYS):
        message = _("This change is not part of the draft any more. Restore a published or named version instead.")
        raise refuse("op", message, op.pk)
    document = draft.definition
    for later in draft.ops.filter(undone=False, rev__gte=op.rev).order_by("-rev"):
        document = edited(document, later.inverse["edits"])
    return document


@transaction.atomic
def called_as_now(
    workflow: Workflow, document: Document, name: str, *, rev: int, user: Any, now: dt.datetime
) -> Applied:
    """Make a document the draft under the name and with the description that the draft has now."""
    own = locked_draft(workflow, rev, now).definition
    kept = {key: own[key] for key in CALLED if key in own}
    document = {key: value for key, value in document.items() if key not in CALLED} | kept
    return replaced(workflow, document, name, rev=rev, user=user, now=now)


def replaced(workflow: Workflow, document: Document, name: str, *, rev: int, user: Any, now: dt.datetime) -> Applied:
    op = {"op": "replace", "document": {**document, "object": workflow.object_type}, "restored": name}
    return apply(workflow, op, rev=rev, user=user, now=now)
