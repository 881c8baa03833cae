"""Workflows as things on a list: made, named, put into folders, deleted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from records.object_types import ObjectType, object_types
from records.problems import Problem
from workflows import drafting
from workflows.definitions.numbers import refuse_one_more
from workflows.definitions.parsing import NAME_LIMIT
from workflows.enrollment.enrolling import locked
from workflows.enrollment.leaving import unenroll
from workflows.holding import hold_still
from workflows.intake.taking import lock_dispatching
from workflows.lifecycle import switching
from workflows.models import AuditEntry, Enrollment, Folder, Workflow
from workflows.rights.opening import refuse_change


def unknown_object_type(slug: str) -> Problem:
    message = _("There is no object type “%(value)s”. Use one of: %(known)s.")
    return Problem("object", message % {"value": slug, "known": ", ".join(object_types)}, slug)


def create(
    name: str,
    object_type: ObjectType,
    *,
    by: Any,
    definition: dict[str, Any] | None = None,
    description: str = "",
    folder: str | None = None,
) -> Workflow:
    """Make a workflow with a draft, in a folder (made if it is new). Raises DocumentError for a bad definition."""
    with transaction.atomic():
        workflow = drafting.create(name, object_type.slug, by, definition)
        workflow.description = description or workflow.description
        workflow.folder = folder_named(folder)
        workflow.save(update_fields=["description", "folder", "updated_at"])
    return workflow


def change(workflow: Workflow, facts: dict[str, Any], *, by: Any, now: dt.datetime) -> None:
    """Rename, describe or move a workflow to a folder; only the facts given. The change is kept in its audit log.

    A draft gets the new name and description, too: publishing it would bring the old ones back. Raises
    PermissionDenied where the person may only read it.
    """
    refuse_change(workflow, by)
    found = dict(facts)
    if "folder" in found:
        found["folder"] = folder_named(found["folder"])
        facts = {**facts, "folder": name_of(found["folder"])}
    facts_before = {"name": workflow.name, "description": workflow.description, "folder": name_of(workflow.folder)}
    for name, value in found.items():
        setattr(workflow, name, value)
    with transaction.atomic():
        workflow.save(update_fields=[*found, "updated_at"])
        draft = workflow.revisions.select_for_update().filter(published_at=None).first()
        written = {name: facts[name] for name in ("name", "description") if name in facts}
        if draft is not None and written:
            document = {**draft.definition, **written}
            drafting.replace(workflow, document, draft.rev, user=by, now=now)
        changed = [{"at": name, "before": facts_before.get(name), "after": value} for name, value in facts.items()]
        detail = {**facts, "changes": [one for one in changed if one["before"] != one["after"]]}
        AuditEntry.objects.create(workflow=workflow, user=by, action="changed", detail=detail, at=now)


def name_of(folder: Folder | None) -> str | None:
    return folder.name if folder else None


def move(workflows: Collection[Workflow], folder: str | None, *, by: Any, now: dt.datetime) -> int:
    """Put workflows into a folder (made if it is new; None: into none); how many were elsewhere.

    The caller has left out those the person may only read. What is in them does not change, so they count as changed
    no later than before; the audit log tells of it.
    """
    with transaction.atomic():
        found = folder_named(folder)
        moved = [one for one in workflows if one.folder_id != (found.pk if found else None)]
        folder = name_of(found)
        Workflow.objects.filter(pk__in=[one.pk for one in moved]).update(folder=found)
        AuditEntry.objects.bulk_create(
            AuditEntry(
                workflow=one, user=by, action="changed", at=now, detail={
                    "folder": folder, "changes": [{"at": "folder", "before": name_of(one.folder), "after": folder}],
                },
            )
            for one in moved
        )  # fmt: skip
    return len(moved)


def folder_named(name: str | None) -> Folder | None:
    """The folder of this name, however it is spaced and whether in capitals; made if there is none. None: no name."""
    name = " ".join((name or "").split())
    if not name:
        return None
    found = Folder.objects.filter(name=name).first() or Folder.objects.filter(name__iexact=name).order_by("pk").first()
    return found or Folder.objects.get_or_create(name=name)[0]


def remove_folder(folder: Folder, *, by: Any, now: dt.datetime) -> int:
    """Delete a folder. The workflows in it stay, in none, and their audit logs say so; how many they are."""
    with transaction.atomic():
        count = move(list(Workflow.objects.filter(folder=folder).select_related("folder")), None, by=by, now=now)
        folder.delete()
    return count


def name_of_copy(name: str) -> str:
    """What the copy of a workflow is called; a long name is shortened, so that it still says that it is one."""
    mark = _("%(name)s (copy)")
    room = NAME_LIMIT - len(mark % {"name": ""})
    return mark % {"name": name if len(name) <= room else f"{name[: room - 1]}…"}


def remove(workflow: Workflow, *, by: Any, now: dt.datetime) -> int:
    """Take a workflow off the list: turned off, everything inside leaves; its history stays. How many left.

    Of two who delete it at once only the first does. Raises PermissionDenied when it is on and `by` may not turn it
    off, or where they may only read it.
    """
    refuse_change(workflow, by)
    with transaction.atomic():
        # Somebody else may have published it, or turned it on, since the caller looked.
        hold_still(workflow.pk)
        lock_dispatching()
        current = locked(workflow)
        if current.deleted_at is not None:
            workflow.deleted_at = current.deleted_at
            return 0
        workflow.status = current.status
        if workflow.status != Workflow.Status.OFF:
            switching.turn_off(workflow, by=by, now=now)
        inside = Enrollment.objects.filter(workflow=workflow, status=Enrollment.Status.ACTIVE)
        left = unenroll(inside, reason="workflow_deleted", by=by, now=now)
        Workflow.objects.filter(pk=workflow.pk).update(deleted_at=now)
        AuditEntry.objects.create(workflow=workflow, user=by, action="deleted", detail={"unenrolled": left}, at=now)
    workflow.deleted_at = now
    return left


def restore(workflow: Workflow, *, by: Any, now: dt.datetime) -> None:
    """Put a deleted workflow back on the list, off (LIF-05). Who was inside when it was deleted has left for good.

    Raises PermissionDenied where the person may only read it, DocumentError where there are as many as there may be.
    """
    refuse_change(workflow, by)
    refuse_one_more()
    with transaction.atomic():
        # Somebody else may have been quicker: then there is nothing to do, and nothing to tell.
        if Workflow.objects.filter(pk=workflow.pk).exclude(deleted_at=None).update(deleted_at=None, updated_at=now):
            AuditEntry.objects.create(workflow=workflow, user=by, action="restored", detail={}, at=now)
    workflow.deleted_at = None
