"""Turning workflows on and off, pausing, resuming and finishing them.

Every change holds the workflow still first: a step is either over before, or begins under the new rule.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from records import segments
from records.problems import DocumentError, Problem
from workflows import doorbell
from workflows.chores import Chore
from workflows.definitions.parsing import parse
from workflows.enrollment.doors import guards
from workflows.enrollment.enrolling import locked
from workflows.enrollment.leaving import sweep
from workflows.health.notifying import tell, tell_turned_off
from workflows.holding import hold_still
from workflows.intake.subscriptions import watched_by
from workflows.intake.taking import lock_dispatching
from workflows.models import AuditEntry, Enrollment, Revision, Workflow
from workflows.rights.opening import refuse_change

PUBLISH = "workflows.publish_workflow"
Status = Workflow.Status
#: The entry of the audit log for each state a workflow is switched to.
ENTRIES = {Status.ON: "turned_on", Status.OFF: "turned_off", Status.PAUSED: "paused", Status.DRAINING: "draining"}


def turn_on(workflow: Workflow, *, by: Any, now: dt.datetime) -> None:
    """Let records enter and actions be done, whatever the workflow was before.

    Who matches by now is a member and is not enrolled; who begins to match later is. Raises PermissionDenied, and
    DocumentError when the workflow was never published, or cannot be read any more.
    """
    switch(workflow, Status.ON, by, now)


def turn_off(workflow: Workflow, *, by: Any, now: dt.datetime, drain: bool = False) -> None:
    """Let nobody enter; who is inside stays, and actions are skipped (LIF-01, LIF-02).

    With `drain` actions go on for who is inside, and the workflow is off once everybody has left. Raises
    PermissionDenied, and DocumentError when the workflow was never published.
    """
    switch(workflow, Status.DRAINING if drain else Status.OFF, by, now)


def pause(workflow: Workflow, *, by: Any, now: dt.datetime) -> None:
    """Hold everybody: records enter and wait at the first step, no step is taken, the time of delays goes on.

    When this returns, no step is being done any more. Raises PermissionDenied, and DocumentError for a workflow that
    is not on.
    """
    switch(workflow, Status.PAUSED, by, now, only=(Status.ON, Status.PAUSED))


def resume(workflow: Workflow, *, by: Any, now: dt.datetime) -> None:
    """Let what is due meanwhile be done. Raises PermissionDenied, and DocumentError for one that is off."""
    switch(workflow, Status.ON, by, now, only=(Status.PAUSED, Status.ON), entry="resumed")


def switch(
    workflow: Workflow,
    status: Workflow.Status,
    by: Any,
    now: dt.datetime,
    *,
    only: tuple[Workflow.Status, ...] = (),
    entry: str = "",
) -> None:
    """Switch to a status, from any or one of `only`. Nothing happens, and nothing is noted, where it is that already.

    `entry` is the code for the audit log.
    """
    if not by.has_perm(PUBLISH):
        raise PermissionDenied(_("You may not turn workflows on or off. Ask somebody with the right to publish."))
    refuse_change(workflow, by)
    with transaction.atomic():
        hold_still(workflow.pk)
        lock_dispatching()
        current = locked(workflow)
        refuse_deleted(current)
        if current.live is None:
            message = _("The workflow was never published, so it cannot be turned on or off. Publish it first.")
            raise DocumentError([Problem("", message, code="not_published")])
        if only and current.status not in only:
            raise DocumentError([Problem("", wrong_state(current), current.status, code="wrong_state")])
        if status == Status.ON and current.status != status:
            refuse_unreadable(current.live)
        if status == Status.DRAINING and not anybody_inside(current):
            status = Status.OFF
        if current.status != status:
            was = current.status
            settle_on(current, status, now)
            changes = [{"at": "status", "before": str(was), "after": str(status)}]
            note(current, by, entry or ENTRIES[status], now, changes=changes)
            if status == Status.OFF:
                tell_turned_off(current, by, now)
            transaction.on_commit(lambda: doorbell.ring("bulk"), robust=True)
    workflow.status, workflow.turned_on_at = current.status, current.turned_on_at


def refuse_deleted(workflow: Workflow) -> None:
    """Raise DocumentError for a workflow that somebody has deleted since it was looked at."""
    if workflow.deleted_at is not None:
        message = _("The workflow was deleted meanwhile. Restore it first.")
        raise DocumentError([Problem("", message, code="deleted")])


def refuse_unreadable(live: Revision) -> None:
    """Raise DocumentError where the live revision names what is not installed: it would take records in and stop."""
    try:
        parse(live.definition)
    except DocumentError as error:
        facts = {"why": error.problems[0].message}
        message = _("The workflow cannot be read, so it is not turned on: %(why)s Publish a version that can be read.")
        raise DocumentError([Problem("", message % facts, code="unreadable")]) from error


def wrong_state(workflow: Workflow) -> str:
    """Why a workflow that is off or finishing is neither paused nor resumed."""
    if workflow.status == Status.DRAINING:
        return _("The workflow is finishing, so it can be neither paused nor resumed. Turn it on or off.")
    return _("The workflow is off, so it can be neither paused nor resumed. Turn it on first.")


def settle_on(workflow: Workflow, status: Workflow.Status, now: dt.datetime) -> None:
    """Store another status. Segments are followed as it needs, and filled anew when that begins."""
    was_open, opens = workflow.status in Workflow.OPEN, status in Workflow.OPEN
    workflow.status = status
    if opens and not was_open:
        workflow.turned_on_at = now
        if workflow.turn_off_at and workflow.turn_off_at <= now:
            workflow.turn_off_at = None  # That time has passed while it was off: once is enough.
    workflow.save(update_fields=["status", "turned_on_at", "turn_off_at", "updated_at"])
    if workflow.live is not None:
        follow_segments(workflow, workflow.live, now)


def follow_segments(workflow: Workflow, live: Revision, now: dt.datetime) -> None:
    """Follow what the workflow needs in its state: all while it is open, until it is off what takes records out."""
    own = watched_by(live)
    followed = own if workflow.status in Workflow.OPEN else own.none()
    if workflow.status == Status.DRAINING:
        followed = own.filter(pk__in=[guard.segment_id for guard in guards(live)])
    own.exclude(pk__in=followed.values("pk")).update(active=False)
    fresh = list(followed.filter(active=False))
    followed.update(active=True)
    for segment in fresh:
        segments.fill(segment, now)
    # Lists of who is kept out went on while the workflow was off, and nobody told it.
    if fresh or workflow.status in Workflow.OPEN:
        sweep(workflow, now)


def inside(workflow: Workflow) -> QuerySet[Enrollment]:
    """Who is in the workflow, on any of its revisions."""
    return Enrollment.objects.filter(workflow=workflow, status=Enrollment.Status.ACTIVE)


def anybody_inside(workflow: Workflow) -> bool:
    return inside(workflow).exists()


def note(workflow: Workflow, by: Any, action: str, now: dt.datetime, **detail: Any) -> None:
    AuditEntry.objects.create(workflow=workflow, user=by, action=action, detail=detail, at=now)


def ending(now: dt.datetime) -> QuerySet[Workflow]:
    """The workflows to turn off by now: their time has come (SET-14), or they have finished."""
    somebody = Enrollment.objects.filter(workflow=OuterRef("pk"), status=Enrollment.Status.ACTIVE)
    due = Q(turn_off_at__lte=now) & ~Q(status=Status.OFF)
    finished = Q(status=Status.DRAINING) & ~Exists(somebody)
    return Workflow.objects.filter(due | finished, deleted_at=None)


def end_due(now: dt.datetime) -> int:
    """Turn off, once each, the workflows that are to be off by now; how many there were."""
    return sum(end(workflow, now) for workflow in ending(now))


def end(workflow: Workflow, now: dt.datetime) -> bool:
    """Turn one off for the clock, if that is still to be done; several clocks may ask at once."""
    try:
        with transaction.atomic():
            hold_still(workflow.pk)
            lock_dispatching()
            current = locked(workflow)
            if not ending(now).filter(pk=workflow.pk).exists():
                return False
            planned = current.turn_off_at is not None and current.turn_off_at <= now
            if planned:
                current.turn_off_at = None
            settle_on(current, Status.OFF, now)
            note(current, None, "turned_off_as_planned" if planned else "finished", now)
            if planned:
                tell_ended(current, now)
    except DocumentError:
        return False  # A step takes its time; the clock comes by again.
    return True


def tell_ended(workflow: Workflow, now: dt.datetime) -> None:
    """Notify those who watch the workflow that it was turned off when its settings wanted it."""
    title = _("“%(name)s” was turned off as planned") % {"name": workflow.name}
    body = _("The time in its settings has come. Records inside stay, and their actions are skipped.")
    tell(workflow, title, body, now=now)


def first_due(now: dt.datetime) -> dt.datetime | None:
    """`now` when a workflow is to be turned off by the clock."""
    return now if ending(now).exists() else None


CHORE = Chore(first_due, end_due)
