"""Leaving a workflow before its end: by hand, by criteria, by a goal, for another workflow (spec section 11)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from records.segments import Transitions
from records.sql_arrays import array
from workflows.enrollment import recording
from workflows.enrollment.announcing import announce
from workflows.enrollment.doors import GUARDS, meeting, watching
from workflows.enrollment.withdrawing import withdraw
from workflows.models import Enrollment, Subscription, Workflow

if TYPE_CHECKING:
    from workflows.engine.batch import Standing
    from workflows.engine.moving import Ledger

Purpose, Status = Subscription.Purpose, Enrollment.Status
ELSEWHERE = "enrolled_elsewhere"
NONE, ALL = "none", "all"
#: The enrollments that what is done now in this transaction has taken out, where somebody wants to know.
taken_out: ContextVar[set[int] | None] = ContextVar("taken_out", default=None)

# Who waits for something other than time stays known by `waiting_in`, so that it can be taken back. They are looked up
# one by one in the order of their ids, however few the planner expects.
END = """
    WITH gone AS (
        UPDATE workflows_enrollment e SET
            status = 'unenrolled', step = '', due_at = NULL, claim = NULL, claimed_until = NULL,
            waiting_in = CASE WHEN e.waiting_in = e.step AND e.due_at IS NULL THEN e.waiting_in ELSE '' END,
            ended_at = %(now)s, ended_reason = %(reason)s, cause = e.cause || %(cause)s::jsonb
        WHERE e.id = ANY(ARRAY({these})) AND e.status = 'active'
        RETURNING e.id, e.waiting_in
    )
    SELECT count(*), array_agg(id) FILTER (WHERE waiting_in <> '') FROM gone
"""
# One statement for all records: both sides remember it. Who takes records out of others is enrolled itself already.
TAKE_OUT = """
    WITH others AS MATERIALIZED (
        SELECT e.id FROM workflows_enrollment e JOIN workflows_workflow w ON w.id = e.workflow_id
        WHERE e.record_id = ANY(%(ids)s::bigint[]) AND e.status = 'active' AND e.workflow_id <> %(workflow)s
            AND w.object_type = %(object_type)s
            AND (%(others)s::bigint[] IS NULL OR e.workflow_id = ANY(%(others)s::bigint[]))
        ORDER BY e.id FOR UPDATE OF e
    ), gone AS (
        UPDATE workflows_enrollment e SET
            status = 'unenrolled', step = '', due_at = NULL, claim = NULL, claimed_until = NULL,
            ended_at = %(now)s, ended_reason = %(reason)s,
            cause = e.cause || jsonb_build_object('ended_by_workflow', %(workflow)s::bigint)
        FROM others WHERE e.id = others.id
        RETURNING e.id, e.record_id, e.workflow_id
    ), told AS (
        UPDATE workflows_enrollment e SET cause = e.cause || jsonb_build_object('took_out', t.workflows)
        FROM (SELECT record_id, jsonb_agg(workflow_id ORDER BY workflow_id) AS workflows FROM gone GROUP BY 1) AS t
        WHERE e.workflow_id = %(workflow)s AND e.record_id = t.record_id AND e.enrolled_at = %(now)s
            AND e.status <> 'refused'
    )
    SELECT id FROM gone
"""
# Of those inside, the ones a guard of the live revision concerns; each for the first guard that does.
SWEEP = """
    UPDATE workflows_enrollment e SET
        status = 'unenrolled', step = '', due_at = NULL, claim = NULL, claimed_until = NULL,
        ended_at = %(now)s, ended_reason = %(reason)s
    WHERE e.workflow_id = %(workflow)s AND e.status = 'active' AND EXISTS (
        SELECT FROM records_membership m WHERE m.segment_id = %(segment)s AND m.record_id = e.record_id
    )
"""
# Who has completed the workflow and meets its goal later counts, once (GOL-03).
LATER = """
    UPDATE workflows_enrollment e SET cause = e.cause || jsonb_build_object('goal_met_at', %(at)s::text)
    WHERE e.workflow_id = %(workflow)s AND e.record_id = ANY(%(ids)s::bigint[]) AND e.status = 'completed'
        AND NOT e.cause ? 'goal_met_at'
"""


def unenroll(enrollments: QuerySet[Enrollment], *, reason: str, by: Any, now: dt.datetime) -> int:
    """End the active ones among these enrollments and return how many they were (UNE-08).

    One UPDATE that takes the claims away too, so that a worker in the middle of a step cannot move them on. What their
    steps have not sent or run yet is taken back. `by` is the user who did it, None for the system.
    """
    inside = enrollments.filter(status=Status.ACTIVE)
    with transaction.atomic():
        leaving = recording.leaving(inside)
        if leaving == []:
            return 0
        if leaving is not None:
            inside = Enrollment.objects.filter(pk__in=leaving, status=Status.ACTIVE)
        announce(inside.values("pk"))
        ended, waiting = end(inside, reason, {"ended_by": by.pk} if by is not None else {}, now)
        withdraw(waiting, why=left_before(by), now=now)
        recording.left(leaving, now)
    return ended


def end(inside: QuerySet[Enrollment], reason: str, cause: dict[str, Any], now: dt.datetime) -> tuple[int, list[int]]:
    """End active enrollments: how many, and the ids of those that waited for something other than time."""
    try:
        sql, params = inside.order_by("pk").values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0, []
    named = {f"p{place}": value for place, value in enumerate(params)}
    these = sql.replace("%s", "{}").format(*(f"%({name})s" for name in named))
    facts: dict[str, Any] = {"now": now, "reason": reason, "cause": json.dumps(cause)}
    with connection.cursor() as cursor:
        cursor.execute(END.format(these=these), named | facts)
        ended, waiting = cursor.fetchone()
    return int(ended), waiting or []


def left_before(by: Any = None) -> str:
    """Why something that waited to be sent is not sent, as a sentence."""
    if by is None:
        return _("The record left the workflow before it was sent.")
    return _("%(who)s took the record out of the workflow before it was sent.") % {"who": by}


def entered_after(enrollments: QuerySet[Enrollment], moments: Mapping[int, dt.datetime]) -> list[int]:
    """The active ones among these enrollments that began after their record's moment, by id."""
    later = enrollments.filter(status=Status.ACTIVE, enrolled_at__gt=min(moments.values()))
    facts = later.values_list("pk", "record_id", "enrolled_at")
    return [pk for pk, record_id, at in facts if at > moments.get(record_id, at)]


def others_of(document: dict[str, Any]) -> list[int] | None:
    """The workflows a definition takes its records out of; None for all others."""
    others = (document.get("unenroll") or {}).get("others") or NONE
    if others == ALL:
        return None
    return [int(pk) for pk in others] if isinstance(others, list) else []


def take_out(workflow: Workflow, record_ids: Collection[int], now: dt.datetime) -> int:
    """Take records that were just enrolled here out of the other workflows the definition names (UNE-07).

    Nothing follows from leaving a workflow, so two that take records out of each other come to an end.
    """
    assert workflow.live is not None, "records were enrolled"
    others = others_of(workflow.live.definition)
    if not record_ids or others == []:
        return 0
    facts: dict[str, Any] = {
        "ids": array(record_ids), "workflow": workflow.pk, "object_type": workflow.object_type, "now": now,
        "others": None if others is None else array(others), "reason": ELSEWHERE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(TAKE_OUT, facts)
        gone = [pk for (pk,) in cursor.fetchall()]
    withdraw(gone, why=left_before(), now=now)
    announce(gone)
    recording.left(gone, now)
    noticed = taken_out.get()
    if noticed is not None:
        noticed.update(gone)
    return len(gone)


@contextmanager
def noticing() -> Iterator[set[int]]:
    """The enrollments that end in this block because their record was enrolled elsewhere, by id."""
    found: set[int] = set()
    token = taken_out.set(found)
    try:
        yield found
    finally:
        taken_out.reset(token)


def follow_guard(guard: Subscription, moved: Transitions, now: dt.datetime) -> None:
    """Take out who has begun to meet a guard; leaving it does nothing (UNE-04, UNE-05)."""
    if not moved.joined:
        return
    workflow = guard.revision.workflow
    here = Enrollment.objects.filter(workflow=workflow, record_id__in=moved.joined)
    if guard.purpose == Purpose.GOAL:
        count_later(workflow, moved.joined, now)
    unenroll(here, reason=GUARDS[guard.purpose][1], by=None, now=now)


def count_later(workflow: Workflow, record_ids: Collection[int], now: dt.datetime) -> None:
    facts: dict[str, Any] = {"workflow": workflow.pk, "ids": array(record_ids), "at": now.isoformat()}
    completed = Enrollment.objects.filter(workflow=workflow, record_id__in=record_ids, status=Status.COMPLETED)
    newly = completed.exclude(cause__has_key="goal_met_at")
    announce(newly.values("pk"))
    recording.goal_met_later(newly, now)
    with connection.cursor() as cursor:
        cursor.execute(LATER, facts)


def sweep(workflow: Workflow, now: dt.datetime) -> int:
    """Take out who is inside and meets a guard of the live revision, whose segments have just been filled."""
    gone = 0
    for guard in watching(workflow):
        facts: dict[str, Any] = {
            "workflow": workflow.pk, "segment": guard.segment_id, "reason": GUARDS[guard.purpose][1], "now": now,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(f"{SWEEP} RETURNING id", facts)
            ended = [pk for (pk,) in cursor.fetchall()]
        withdraw(ended, why=left_before(), now=now)
        announce(ended)
        recording.left(ended, now)
        gone += len(ended)
    return gone


def let_go(workflow: Workflow, enrollments: list[Standing], ledger: Ledger) -> list[Standing]:
    """End, before the next action is done, who meets a goal or unenrollment criteria; those that stay (GOL-01).

    The guards of the live revision count for whoever finishes an older one, too.
    """
    reasons: dict[int, str] = {}
    ids = [enrollment.record_id for enrollment in enrollments]
    for guard in watching(workflow) if ids else ():
        for pk in meeting(guard, ids, ledger.now):
            reasons.setdefault(pk, GUARDS[guard.purpose][1])
    for enrollment in enrollments:
        if enrollment.record_id in reasons:
            ledger.end(enrollment, Status.UNENROLLED, reasons[enrollment.record_id])
    return [enrollment for enrollment in enrollments if enrollment.record_id not in reasons]
