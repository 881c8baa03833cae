"""Runs of schedules: the records a run has written down are enrolled, so many at a time, until its list is empty."""

from __future__ import annotations

import datetime as dt
import json
import logging
from functools import partial

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy

from records.outages import passing
from records.sql_arrays import array
from workflows import doorbell
from workflows.enrollment import refusing
from workflows.enrollment.doors import REFUSALS, RUNNING, closed_because
from workflows.enrollment.enrolling import enroll, locked
from workflows.models import Schedule, ScheduledRecord, ScheduleRun, Workflow

logger = logging.getLogger(__name__)
State = ScheduleRun.State
#: Records one transaction enrolls, and skipped ones of a run that get a line in their history.
CHUNK = 2_000
SKIPS_KEPT = 10_000
#: Why a scheduled record was passed over (SCH-32).
STILL_INSIDE = "still_inside"
REFUSALS[STILL_INSIDE] = gettext_lazy(
    "The record was still in the workflow from an earlier time, so the schedule passed it over."
)
#: Why a record was not enrolled for which that has raised an error each time.
RAISED = "enrolling_failed"
REFUSALS[RAISED] = gettext_lazy("An error had kept the record out each time; the log of the server says which.")
#: Seconds until what has raised an error is tried again, and after how many such records no other of a run is tried.
BACKOFF = (5, 30, 120, 600, 3_600)
FAILURES = 10
TAKE = """
    DELETE FROM workflows_scheduledrecord WHERE run_id = %(run)s AND record_id = ANY(ARRAY(
        SELECT record_id FROM workflows_scheduledrecord WHERE run_id = %(run)s AND failed = %(failed)s
        ORDER BY record_id LIMIT %(limit)s
    )) RETURNING record_id
"""
# Refused enrollments are what the history of a record tells of what did not happen.
SKIP = """
    INSERT INTO workflows_enrollment (workflow_id, revision_id, record_id, status, step, visit, attempts, cause,
        outputs, enrolled_at, ended_at, ended_reason)
    SELECT %(workflow)s, %(revision)s, unnest(%(ids)s::bigint[]), 'refused', '', 0, 0, %(cause)s::jsonb, '{}',
        %(now)s, %(now)s, %(reason)s
"""


def rested(now: dt.datetime) -> Q:
    """Of schedules and runs, those that no error has put off to a later time."""
    return Q(again_at=None) | Q(again_at__lte=now)


def put_off(rows: QuerySet[Schedule] | QuerySet[ScheduleRun], now: dt.datetime) -> None:
    """Have what raised an error wait for a while, longer each time, so that nothing else waits behind it."""
    tries = rows.values_list("tries", flat=True).first() or 0
    pause = dt.timedelta(seconds=BACKOFF[min(tries, len(BACKOFF) - 1)])
    rows.update(tries=F("tries") + 1, again_at=now + pause)


def running() -> QuerySet[ScheduleRun]:
    """The runs that have records to enroll: of each schedule the oldest, so that its runs come one after another."""
    older = ScheduleRun.objects.filter(schedule=OuterRef("schedule"), state=State.RUNNING, at__lt=OuterRef("at"))
    return ScheduleRun.objects.filter(~Exists(older), state=State.RUNNING).order_by("at")


def stop_all(workflow: Workflow, now: dt.datetime) -> None:
    """End the runs of a workflow that go on: whom they would still enroll, another trigger has found.

    For a transaction that has locked the workflow.
    """
    runs = ScheduleRun.objects.filter(schedule__workflow=workflow, state=State.RUNNING)
    ScheduledRecord.objects.filter(run__in=runs).delete()
    runs.update(state=State.STOPPED, ended_at=now)


def go_on(run: ScheduleRun, now: dt.datetime) -> int:
    """Enroll the next records of a run; how many were taken from its list, at least 1 where it ends."""
    with transaction.atomic():
        workflow = locked(Workflow(pk=run.schedule.workflow_id))
        found = ScheduleRun.objects.select_for_update(of=("self",)).filter(pk=run.pk, state=State.RUNNING).first()
        if found is None:
            return 0
        if closed_because(workflow):
            ScheduledRecord.objects.filter(run=found).delete()
            end(found, State.STOPPED, now)
            return 1
        found.tries, found.again_at = 0, None
        ids = take(found)
        left = (
            enroll_or_find(workflow, found, ids, now, FAILURES) if ids else try_again(workflow, found, run.tries, now)
        )
        ScheduledRecord.objects.bulk_create(ScheduledRecord(run=found, record_id=pk, failed=True) for pk in left)
        if len(ids) < CHUNK and not ScheduledRecord.objects.filter(run=found).exists():
            end(found, State.DONE, now)
        found.save()
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return max(len(ids), 1)


def try_again(workflow: Workflow, run: ScheduleRun, tries: int, now: dt.datetime) -> list[int]:
    """Enroll those of a run that an error has kept out, the last there are; those still to be tried again.

    After some times they are refused, so that the schedule's next run has its turn.
    """
    ids = take(run, failed=True)
    left = enroll_or_find(workflow, run, ids, now, FAILURES) if ids else []
    if left and tries < len(BACKOFF):
        run.tries, run.again_at = tries + 1, now + dt.timedelta(seconds=BACKOFF[tries])
        return left
    run.refused += len(left)
    if left:
        cause = {"kind": "schedule", "at": run.at.isoformat(), "run": run.pk}
        try:
            with transaction.atomic():
                refusing.keep(workflow, dict.fromkeys(left, RAISED), {}, cause, now)
        except DatabaseError:
            logger.exception("That records were refused is not in the history of workflow %d.", workflow.pk)
    return []


def enroll_or_find(workflow: Workflow, run: ScheduleRun, ids: list[int], now: dt.datetime, most: int) -> list[int]:
    """Enroll records; those of them for which that raises an error. After `most` of these no other is tried.

    Raises OperationalError and InterfaceError, as without a database there is nothing to do.
    """
    try:
        with transaction.atomic():
            enroll_taken(workflow, run, ids, now)
            connection.check_constraints()
        return []
    except Exception as error:
        if passing(error):
            raise
        if len(ids) == 1 or most < 1:
            logger.error(
                "Run %d of a schedule cannot enroll %d records: %s", run.pk, len(ids), ids[:5], exc_info=error
            )
            return ids
    failed: list[int] = []
    for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
        failed += enroll_or_find(workflow, run, half, now, most - len(failed))
    return failed


def take(run: ScheduleRun, *, failed: bool = False) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"run": run.pk, "limit": CHUNK, "failed": failed})
        return [pk for (pk,) in cursor.fetchall()]


def enroll_taken(workflow: Workflow, run: ScheduleRun, ids: list[int], now: dt.datetime) -> None:
    """Enroll records, also those that were enrolled before (SCH-10), and log who is still inside (SCH-32)."""
    cause = {"kind": "schedule", "at": run.at.isoformat(), "run": run.pk}
    done = enroll(workflow, ids, cause=cause, now=now, again=ids)
    inside = [pk for pk, reason in done.refused.items() if reason == RUNNING]
    kept = inside[: max(SKIPS_KEPT - run.skipped, 0)]
    if kept:
        facts = {"workflow": workflow.pk, "revision": workflow.live_id, "cause": json.dumps(cause), "now": now}
        with connection.cursor() as cursor:
            cursor.execute(SKIP, {**facts, "ids": array(kept), "reason": STILL_INSIDE})
    run.enrolled += len(done.enrolled)
    run.skipped += len(inside)
    run.refused += len(done.refused) - len(inside)


def end(run: ScheduleRun, state: ScheduleRun.State, now: dt.datetime) -> None:
    run.state, run.ended_at = state, now
    run.save()
