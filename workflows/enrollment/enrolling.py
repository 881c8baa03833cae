"""Enrolling and unenrolling: set-based, once each, never a deleted record."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connection, transaction

from records.object_types import ObjectType, object_types
from records.sql_arrays import array
from workflows import doorbell
from workflows.enrollment import recording, reenrolling, refusing
from workflows.enrollment.announcing import announce_enrolled, asked
from workflows.enrollment.doors import (
    BEFORE,
    GUARDS,
    LOOP,
    NO_DATE,
    NOT_MATCHING,
    REFUSALS,
    barred,
    closed_because,
    outsiders,
    reasons,
    runs_away,
    watching,
)
from workflows.enrollment.leaving import others_of, take_out, unenroll
from workflows.failpoints import reach
from workflows.models import AuditEntry, Enrollment, Subscription, Workflow
from workflows.schedules import centring

__all__ = [
    "REFUSALS",
    "Enrolled",
    "consequential",
    "enroll",
    "enroll_selected",
    "entered",
    "insertion",
    "live_definition",
    "locked",
    "unenroll",
]

# A record that is deleted, still inside, or was inside before (unless it may be enrolled again) is left out; the
# partial unique index settles who wins when two transactions enroll the same record.
# Each candidate is looked up by its key, because of tables nobody has analysed yet the planner expects a row where
# there are thousands: it would join each with each, or read an index of what is not deleted from end to end for each.
# The sum keeps the indexes that begin with the workflow out of it: by statistics from before a workflow had thousands
# one of them finds a record's enrollments as quickly as the index of records does.
ENROLL = """
    INSERT INTO workflows_enrollment (workflow_id, revision_id, record_id, status, step, visit, due_at, arrived_at,
        attempts, cause, outputs, enrolled_at, ended_at, ended_reason)
    SELECT %(workflow)s, %(revision)s, candidate.record_id, %(status)s, %(step)s, 0, %(due)s, %(due)s, 0,
        candidate.cause, '{{}}', %(now)s, %(ended)s, %(reason)s
    FROM {candidates}
    WHERE (SELECT {live} FROM {table} AS record WHERE record.{key} = candidate.record_id)
    AND NOT EXISTS (
        SELECT FROM workflows_enrollment AS earlier
        WHERE earlier.workflow_id + 0 = %(workflow)s AND earlier.record_id = candidate.record_id
            AND (earlier.status = 'active' OR earlier.status <> 'refused' AND NOT candidate.again)
        OFFSET 0
    ){unguarded}
    ORDER BY candidate.record_id
    ON CONFLICT (workflow_id, record_id) WHERE status = 'active' DO NOTHING
    RETURNING record_id
"""
UNGUARDED = """ AND NOT EXISTS (
        SELECT FROM records_membership AS guard
        WHERE guard.segment_id = ANY(%(guards)s::bigint[]) AND guard.record_id = candidate.record_id
    )"""
# Members of the trigger's segment that a guard keeps out: the history says so (TRG-29). The first guard counts.
REFUSE_MEMBERS = """
    INSERT INTO workflows_enrollment (workflow_id, revision_id, record_id, status, step, visit, attempts, cause,
        outputs, enrolled_at, ended_at, ended_reason)
    SELECT DISTINCT ON (found.record_id) %(workflow)s, %(revision)s, found.record_id, 'refused', '', 0, 0,
        %(cause)s::jsonb || jsonb_strip_nulls(jsonb_build_object('list', (
            SELECT l.name FROM records_recordlist l WHERE l.segment_id = guard.segment AND guard.suppresses
        ))), '{}', %(now)s, %(now)s, guard.reason
    FROM jsonb_to_recordset(%(guards)s::jsonb) AS guard (place int, segment bigint, reason text, suppresses boolean)
    JOIN records_membership AS kept ON kept.segment_id = guard.segment
    JOIN records_membership AS found ON found.record_id = kept.record_id
    JOIN workflows_subscription AS s ON s.segment_id = found.segment_id
    WHERE s.revision_id = %(revision)s AND s.purpose = 'trigger' AND NOT EXISTS (
        SELECT FROM workflows_enrollment AS earlier
        WHERE earlier.workflow_id = %(workflow)s AND earlier.record_id = found.record_id
            AND earlier.status <> 'refused'
    )
    ORDER BY found.record_id, guard.place
"""
SUPPRESSION = Subscription.Purpose.SUPPRESSION
#: What a trigger met in vain is kept in the history for; that a record is inside, or was, is there already.
UNEXPECTED = {LOOP, NO_DATE, *(refusal for refusal, _reason in GUARDS.values())}
ALIKE = "(SELECT unnest(%(ids)s::bigint[]), %(cause)s::jsonb, %(again)s) AS candidate (record_id, cause, again)"
# One text, because three arrays of texts would have every sign in them escaped on its own.
LISTED = "jsonb_to_recordset(%(listed)s::jsonb) AS candidate (record_id bigint, cause jsonb, again boolean)"


@dataclass(frozen=True)
class Enrolled:
    """Who was enrolled, and why each of the others was not (codes of REFUSALS)."""

    enrolled: list[int]
    refused: dict[int, str] = field(default_factory=dict)


def enroll(
    workflow: Workflow,
    record_ids: Iterable[int],
    *,
    cause: dict[str, Any],
    now: dt.datetime,
    manual: bool = False,
    causes: Mapping[int, dict[str, Any]] | None = None,
    again: Collection[int] = (),
) -> Enrolled:
    """Enroll records; their first step is due at once.

    `cause` is kept with each enrollment, `causes` has the ones of single records. `manual`: by a person, the API or
    another workflow; then who was enrolled before may be enrolled again if re-enrollment is on (MAN-07). Otherwise
    only the records in `again` may (TRG-07, REN-12). What a person asked for in vain is kept in the history; a
    workflow tells it in its own (GTO-03).
    """
    wanted = sorted(set(record_ids))
    if not wanted:
        return Enrolled([])
    own, by_person = causes or {}, manual and cause.get("kind") != "workflow"
    with transaction.atomic():
        workflow = locked(workflow)
        closed = closed_because(workflow)
        if closed:
            found = dict.fromkeys(wanted, closed)
            if by_person:
                refusing.keep(workflow, found, own, cause, now)
            return Enrolled([], found)
        looping = runs_away(workflow, cause)
        refused = {pk: LOOP for pk in wanted if (runs_away(workflow, own[pk]) if pk in own else looping)}
        anyone = manual and reenrolling.allowed(live_definition(workflow))
        kept_out = guards_and_rules(workflow, [pk for pk in wanted if pk not in refused], now, manual=manual)
        ids = [pk for pk in wanted if pk not in refused and pk not in kept_out]
        if own or (again and not anyone):
            listed = [{"record_id": pk, "cause": own.get(pk, cause), "again": anyone or pk in again} for pk in ids]
            enrolled = insert(workflow, LISTED, {"listed": json.dumps(listed)}, now)
        else:
            facts = {"ids": array(ids), "cause": json.dumps(cause), "again": anyone}
            enrolled = insert(workflow, ALIKE, facts, now)
        others = set(wanted) - set(enrolled) - refused.keys()
        if others:
            earlier = reasons(workflow, others, None if anyone else again)
            refused |= {pk: earlier.get(pk) or kept_out.get(pk, BEFORE) for pk in others}
        told = refused if by_person else {pk: why for pk, why in refused.items() if why in UNEXPECTED}
        refusing.keep(workflow, told, own, cause, now)
        entered(workflow, enrolled, now)
        if by_person and "mass" not in cause:
            note_manual(workflow, cause, now, enrolled=len(enrolled), refused=len(refused))
        if manual:
            transaction.on_commit(partial(doorbell.ring, "high"), robust=True)
    return Enrolled(sorted(enrolled), refused)


def guards_and_rules(workflow: Workflow, ids: list[int], now: dt.datetime, *, manual: bool) -> dict[int, str]:
    """Who is kept out although the workflow is open, in the order of the door (TRG-29)."""
    found: dict[int, str] = dict.fromkeys(outsiders(workflow, ids), NOT_MATCHING) if manual else {}
    return found | barred(workflow, ids, now) | centring.blank(workflow, ids)


def consequential(workflow: Workflow) -> bool:
    """Whether anything follows at once from a record being enrolled."""
    listened = recording.heard(recording.ENROLLED, object_type=workflow.object_type)
    return others_of(live_definition(workflow)) != [] or asked(workflow) or listened


def entered(workflow: Workflow, record_ids: Collection[int], now: dt.datetime) -> None:
    """What follows at once from records having been enrolled."""
    if record_ids:
        take_out(workflow, record_ids, now)
        announce_enrolled(workflow, record_ids)
        recording.enrolled(workflow, record_ids, now)


def enroll_selected(
    workflow: Workflow, sql: str, params: Sequence[Any], *, cause: dict[str, Any], now: dt.datetime
) -> int:
    """Enroll what a SELECT of (record id, leaves) finds and that never was inside, in one statement (REV-05)."""
    workflow = locked(workflow)
    # The query's own placeholders have no names: they are given some.
    named = {f"p{i}": value for i, value in enumerate(params)}
    placeholders = sql.replace("%%", "\0").replace("%s", "{}").format(*(f"%({name})s" for name in named))
    candidates = (
        f"(SELECT found.pk, %(cause)s::jsonb || jsonb_build_object('leaves', found.leaves), false "
        f"FROM ({placeholders}) AS found (pk, leaves)) AS candidate (record_id, cause, again)"
    ).replace("\0", "%%")
    enrolled = insert(workflow, candidates, {**named, "cause": json.dumps(cause)}, now, guarded_by=True)
    refuse_members(workflow, cause, now)
    entered(workflow, enrolled, now)
    return len(enrolled)


def locked(workflow: Workflow) -> Workflow:
    """The workflow as it is now, so that it is not turned off or published while records enter."""
    return Workflow.objects.select_for_update(no_key=True, of=("self",)).select_related("live").get(pk=workflow.pk)


def live_definition(workflow: Workflow) -> dict[str, Any]:
    assert workflow.live is not None, "nothing is enrolled in a workflow that was never published"
    return workflow.live.definition


def insert(
    workflow: Workflow, candidates: str, facts: dict[str, Any], now: dt.datetime, *, guarded_by: bool = False
) -> list[int]:
    sql, common = insertion(workflow, candidates, now, guarded_by=guarded_by)
    with connection.cursor() as cursor:
        cursor.execute(sql, facts | common)
        enrolled = [row[0] for row in cursor.fetchall()]
    reach("after_enroll")
    return enrolled


def insertion(
    workflow: Workflow, candidates: str, now: dt.datetime, *, guarded_by: bool = True
) -> tuple[str, dict[str, Any]]:
    """The statement that enrolls candidates (record_id, cause, again), and its values besides theirs.

    `guarded_by`: leave out the members of the guards' segments; whoever has asked the guards does not need it.
    """
    kind: ObjectType = object_types[workflow.object_type]
    steps = live_definition(workflow).get("steps") or []
    status = Enrollment.Status.ACTIVE if steps else Enrollment.Status.COMPLETED
    watched = watching(workflow) if guarded_by else []
    sql = ENROLL.format(
        candidates=candidates,
        unguarded=UNGUARDED if watched else "",
        table=connection.ops.quote_name(kind.table),
        key=connection.ops.quote_name(kind.key),
        live="record.deleted_at IS NULL" if kind.soft_deletes else "true",
    )
    return sql, {
        "workflow": workflow.pk,
        "revision": workflow.live_id,
        "status": str(status),
        "step": steps[0]["id"] if steps else "",
        "due": now if steps else None,
        "ended": None if steps else now,
        "reason": "" if steps else "completed",
        "now": now,
        "guards": array(guard.segment_id for guard in watched),
    }


def refuse_members(workflow: Workflow, cause: dict[str, Any], now: dt.datetime) -> None:
    """Keep in the history whom the guards have kept out of those that match when a workflow is published."""
    watched = watching(workflow)
    if not watched:
        return
    listed = [
        {
            "place": place,
            "segment": guard.segment_id,
            "reason": GUARDS[guard.purpose][0],
            "suppresses": guard.purpose == SUPPRESSION,
        }
        for place, guard in enumerate(watched)
    ]
    facts: dict[str, Any] = {
        "workflow": workflow.pk, "revision": workflow.live_id, "cause": json.dumps(cause), "now": now,
        "guards": json.dumps(listed),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_MEMBERS, facts)


def note_manual(workflow: Workflow, cause: dict[str, Any], now: dt.datetime, **numbers: int) -> None:
    AuditEntry.objects.create(
        workflow=workflow, user_id=cause.get("actor"), action="enrolled_by_hand", detail=numbers, at=now
    )
