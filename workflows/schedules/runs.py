"""Runs of schedules: the records a run has written down are enrolled, so many at a time, until its list is empty."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy

from records.sql_arrays import array
from workflows import doorbell
from workflows.enrollment.doors import REFUSALS, RUNNING, closed_because
from workflows.enrollment.enrolling import enroll, locked
from workflows.models import ScheduledRecord, ScheduleRun, Workflow

State = ScheduleRun.State
#: Records one transaction enrolls, and skipped ones of a run that get a line in their history.
CHUNK = 2_000
SKIPS_KEPT = 10_000
#: Why a scheduled record was passed over (SCH-32).
STILL_INSIDE = "still_inside"
REFUSALS[STILL_INSIDE] = gettext_lazy(
    "The record was still in the workflow from an earlier time, so the schedule passed it over."
)
TAKE = """
    DELETE FROM workflows_scheduledrecord WHERE run_id = %(run)s AND record_id = ANY(ARRAY(
        SELECT record_id FROM workflows_scheduledrecord WHERE run_id = %(run)s ORDER BY record_id LIMIT %(limit)s
    )) RETURNING record_id
"""
# Refused enrollments are what the history of a record tells of what did not happen.
SKIP = """
    INSERT INTO workflows_enrollment (workflow_id, revision_id, record_id, status, step, visit, attempts, cause,
        outputs, enrolled_at, ended_at, ended_reason)
    SELECT %(workflow)s, %(revision)s, unnest(%(ids)s::bigint[]), 'refused', '', 0, 0, %(cause)s::jsonb, '{}',
        %(now)s, %(now)s, %(reason)s
"""


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
        ids = take(found)
        if ids:
            enroll_taken(workflow, found, ids, now)
        if len(ids) < CHUNK:
            end(found, State.DONE, now)
        found.save()
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return max(len(ids), 1)


def take(run: ScheduleRun) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"run": run.pk, "limit": CHUNK})
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
