"""Enrolling thousands of records by hand: in the background, some hundreds at a time, with progress (MAN-01).

Each portion and its place in the row of the work are one transaction, so a worker that dies repeats nothing.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Collection
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from records import criteria
from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows import doorbell
from workflows.chores import Chore
from workflows.doors import REFUSALS, closed_because
from workflows.enrolling import enroll
from workflows.models import AuditEntry, MassEnrollment, Workflow

#: Records asked in one transaction, and the seconds one call works at most.
PORTION = 500
SECONDS = 2.0
Status = MassEnrollment.Status


def begin(
    workflow: Workflow, *, by: Any, now: dt.datetime, record_ids: Collection[int] = (), document: Any = None
) -> MassEnrollment:
    """Have records enrolled by hand: those named, or those that meet criteria.

    Raises DocumentError when the workflow takes nobody in or the criteria cannot be read.
    """
    closed = closed_because(workflow)
    if closed:
        message = _("%(why)s Turn it on first, or choose another workflow.") % {"why": REFUSALS[closed]}
        raise DocumentError([Problem("", message, code=closed)])
    ids = sorted(set(record_ids))
    if document is not None:
        total = criteria.compile(document, object_types[workflow.object_type], now=now).count()
    else:
        total = len(ids)
    with transaction.atomic():
        work = MassEnrollment.objects.create(
            workflow=workflow, record_ids=ids, criteria=document, total=total, created_by=by
        )
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return work


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    first = MassEnrollment.objects.filter(status=Status.WAITING).order_by("pk").first()
    return first.created_at if first else None


def work(now: dt.datetime) -> int:
    """Enroll some of what waits, oldest first; how many records were asked."""
    began, asked = time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        done = portion(now)
        if done is None:
            break
        asked += done
    return asked


def portion(now: dt.datetime) -> int | None:
    """Ask the next records of the oldest work nobody else is at; None when there is none."""
    with transaction.atomic():
        waiting = MassEnrollment.objects.filter(status=Status.WAITING).order_by("pk")
        one = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("workflow__live").first()
        if one is None:
            return None
        closed = closed_because(one.workflow)
        if closed:
            return finish(one, Status.STOPPED, now, str(REFUSALS[closed]))
        try:
            ids = next_ids(one, now)
        except DocumentError as error:
            return finish(one, Status.STOPPED, now, " ".join(str(problem.message) for problem in error.problems))
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
    compiled = criteria.compile(one.criteria, object_types[one.workflow.object_type], now=now, stored=True)
    return list(compiled.records().filter(pk__gt=one.done).order_by("pk").values_list("pk", flat=True)[:PORTION])


def finish(one: MassEnrollment, status: str, now: dt.datetime, message: str = "") -> int:
    one.status, one.message, one.finished_at = status, message, now
    one.save(update_fields=["status", "message", "finished_at"])
    numbers = {"enrolled": one.enrolled, "refused": sum(one.refused.values())}
    AuditEntry.objects.create(
        workflow=one.workflow, user_id=one.created_by_id, action="enrolled_by_hand", detail=numbers, at=now
    )
    return 0


CHORE = Chore(waiting_since, work)
