"""Enrolling thousands of records by hand: in the background, some hundreds at a time, with progress (MAN-01).

Each portion and its place in the row of the work are one transaction, so a worker that dies repeats nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import zoneinfo
from collections import Counter
from collections.abc import Collection
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from records import criteria
from records.object_types import object_types
from records.outages import cut_short, outage
from records.problems import DocumentError, Problem
from workflows import doorbell
from workflows.chores import Chore
from workflows.enrollment.doors import REFUSALS, closed_because
from workflows.enrollment.enrolling import enroll
from workflows.models import AuditEntry, MassEnrollment, Workflow
from workflows.rights.opening import refuse_change
from workflows.times.wall_time import workflow_zone

logger = logging.getLogger(__name__)

#: Records asked in one transaction, and the seconds one call works at most.
PORTION = 500
SECONDS = 2.0
#: How long one statement of a portion may take: less than what ends the process that does it.
STATEMENT_TIMEOUT = "50s"
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


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    # Only the instant: a row may carry a hundred thousand ids, and this is asked every second.
    waiting = MassEnrollment.objects.filter(status=Status.WAITING).order_by("pk")
    return waiting.values_list("created_at", flat=True).first()


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
    """Ask the next records of the oldest work nobody else is at; None when there is none.

    Work that raises an error, or whose criteria take too long, is stopped and says so: what waits behind it goes on.
    Raises OperationalError and InterfaceError where the database fails, as without one there is nothing to do.
    """
    with transaction.atomic():
        waiting = MassEnrollment.objects.filter(status=Status.WAITING).order_by("pk")
        one = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("workflow__live").first()
        if one is None:
            return None
        try:
            with transaction.atomic():
                return ask_next(one, now)
        except DocumentError as error:
            message = " ".join(str(problem.message) for problem in error.problems)
        except Exception as error:
            if outage(error):
                raise
            if cut_short(error):
                return finish_cut_short(one, now)
            logger.exception("Enrolling many records by hand (%d) failed.", one.pk)
            told = _("An error stopped this: %(error)s. What it is about is in the log. Enroll the others anew.")
            message = told % {"error": type(error).__name__}
        one.refresh_from_db(fields=["refused", "enrolled"])
        return finish(one, Status.STOPPED, now, message)


def finish_cut_short(one: MassEnrollment, now: dt.datetime) -> int:
    """Stop a work of which the database has not found or enrolled one portion in time."""
    logger.warning("Enrolling many records by hand (%d) was stopped: a portion took too long.", one.pk)
    one.refresh_from_db(fields=["refused", "enrolled"])
    message = _("Finding and enrolling the next records took too long. Enroll the others with narrower criteria.")
    return finish(one, Status.STOPPED, now, message)


def ask_next(one: MassEnrollment, now: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT])
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


CHORE = Chore(waiting_since, work)
