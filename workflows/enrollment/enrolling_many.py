"""Enrolling thousands of records by hand: in the background, some hundreds at a time, with progress (MAN-01).

Each portion and its place in the row of the work are one transaction, so a worker that dies repeats nothing.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import Counter
from collections.abc import Collection
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records import criteria
from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows import doorbell
from workflows.enrollment.doors import REFUSALS, closed_because
from workflows.enrollment.enrolling import enroll
from workflows.enrollment.mass_work import PORTION, Portions, limit_statements
from workflows.models import AuditEntry, MassEnrollment, Workflow
from workflows.rights.opening import refuse_change
from workflows.times.wall_time import workflow_zone

Status = MassEnrollment.Status


def zone_of(workflow: Workflow) -> zoneinfo.ZoneInfo:
    """In which zone relative dates are counted: the live definition's, as its triggers count them."""
    return workflow_zone((workflow.live.definition.get("settings") or {}) if workflow.live else {})


def begin(
    workflow: Workflow, *, by: Any, now: dt.datetime, record_ids: Collection[int] = (), document: Any = None
) -> MassEnrollment:
    """Have records enrolled by hand: those named, or those that meet criteria.

    Raises DocumentError when the workflow takes nobody in or the criteria cannot be read, PermissionDenied where the
    person may only read it.
    """
    refuse_change(workflow, by)
    closed = closed_because(workflow)
    if closed:
        message = _("%(why)s Turn it on first, or choose another workflow.") % {"why": REFUSALS[closed]}
        raise DocumentError([Problem("", message, code=closed)])
    ids = sorted(set(record_ids))
    if document is not None:
        kind = object_types[workflow.object_type]
        total = criteria.compile(document, kind, now=now, zone=zone_of(workflow)).count()
    else:
        total = len(ids)
    with transaction.atomic():
        work = MassEnrollment.objects.create(
            workflow=workflow, record_ids=ids, criteria=document, total=total, created_by=by
        )
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return work


def ask_next(one: MassEnrollment, now: dt.datetime) -> int:
    limit_statements()
    closed = closed_because(one.workflow)
    if closed:
        return finish(one, Status.STOPPED, now, str(REFUSALS[closed]))
    ids = next_ids(one, now)
    if not ids:
        return finish(one, Status.DONE, now)
    cause = {"kind": "manual", "actor": one.created_by_id, "mass": one.pk}
    answer = enroll(one.workflow, ids, cause=cause, now=now, manual=True)
    one.refused = dict(Counter(one.refused) + Counter(answer.refused.values()))
    one.done = ids[-1] if one.criteria is not None else one.done + len(ids)
    one.asked, one.enrolled = F("asked") + len(ids), F("enrolled") + len(answer.enrolled)
    one.save(update_fields=["refused", "done", "asked", "enrolled"])
    return len(ids)


def next_ids(one: MassEnrollment, now: dt.datetime) -> list[int]:
    if one.criteria is None:
        return one.record_ids[one.done : one.done + PORTION]
    kind, zone = object_types[one.workflow.object_type], zone_of(one.workflow)
    compiled = criteria.compile(one.criteria, kind, now=now, zone=zone, stored=True)
    return list(compiled.records().filter(pk__gt=one.done).order_by("pk").values_list("pk", flat=True)[:PORTION])


def finish(one: MassEnrollment, status: str, now: dt.datetime, message: str = "") -> int:
    one.status, one.message, one.finished_at = status, message, now
    one.save(update_fields=["status", "message", "finished_at"])
    numbers = {"enrolled": one.enrolled, "refused": sum(one.refused.values())}
    AuditEntry.objects.create(
        workflow=one.workflow, user_id=one.created_by_id, action="enrolled_by_hand", detail=numbers, at=now
    )
    return 0


PORTIONS = Portions(
    MassEnrollment, ask_next, finish, ("refused", "enrolled"),
    gettext_lazy("An error stopped this: %(error)s. What it is about is in the log. Enroll the others anew."),
    gettext_lazy("Finding and enrolling the next records took too long. Enroll the others with narrower criteria."),
)  # fmt: skip
portion, waiting_since = PORTIONS.portion, PORTIONS.waiting_since
CHORE = PORTIONS.chore
