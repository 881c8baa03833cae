"""Enrolling and unenrolling: set-based, once each, never a deleted record."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Func, JSONField, QuerySet, Value
from django.utils.translation import gettext_lazy

from records.models import Membership
from records.object_types import ObjectType, object_types
from records.sql_arrays import array
from workflows import doorbell, reenrolling
from workflows.failpoints import reach
from workflows.models import AuditEntry, Enrollment, Subscription, Workflow

OFF, RUNNING, BEFORE, GONE, LOOP, NOT_MATCHING, UNPUBLISHED = (
    "workflow_off", "already_enrolled", "enrolled_before", "record_deleted", "loop", "not_matching", "not_published",
)  # fmt: skip
#: Why a record was not enrolled, by code.
REFUSALS = {
    OFF: gettext_lazy("The workflow was turned off."),
    RUNNING: gettext_lazy("The record was already enrolled in this workflow."),
    BEFORE: gettext_lazy("The record had been enrolled before, and re-enrollment is off or was not triggered."),
    GONE: gettext_lazy("The record does not exist or had been deleted."),
    LOOP: gettext_lazy("Workflows had triggered each other too many times in a row, so the chain was stopped here."),
    NOT_MATCHING: gettext_lazy("The record did not meet the criteria, and this workflow keeps only those that do."),
    UNPUBLISHED: gettext_lazy("The workflow had never been published."),
}
#: How many workflows may have caused one another in a row, and how often one of them may be among them.
DEPTH_LIMIT = 20
VISITS_PER_CHAIN = 3

# A record that is deleted, still inside, or was inside before (unless it may be enrolled again) is left out; the
# partial unique index settles who wins when two transactions enroll the same record.
ENROLL = """
    INSERT INTO workflows_enrollment (workflow_id, revision_id, record_id, status, step, visit, due_at, arrived_at,
        attempts, cause, outputs, enrolled_at, ended_at, ended_reason)
    SELECT %(workflow)s, %(revision)s, candidate.record_id, %(status)s, %(step)s, 0, %(due)s, %(due)s, 0,
        candidate.cause, '{{}}', %(now)s, %(ended)s, %(reason)s
    FROM {candidates} JOIN {table} AS record ON record.{key} = candidate.record_id {live}
    WHERE NOT EXISTS (
        SELECT FROM workflows_enrollment AS earlier
        WHERE earlier.workflow_id = %(workflow)s AND earlier.record_id = candidate.record_id
            AND (earlier.status = 'active' OR earlier.status <> 'refused' AND NOT candidate.again)
    )
    ORDER BY candidate.record_id
    ON CONFLICT (workflow_id, record_id) WHERE status = 'active' DO NOTHING
    RETURNING record_id
"""
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
    asked = sorted(set(record_ids))
    if not asked:
        return Enrolled([])
    own, by_person = causes or {}, manual and cause.get("kind") != "workflow"
    with transaction.atomic():
        workflow = locked(workflow)
        closed = closed_because(workflow)
        if closed:
            return refuse(workflow, dict.fromkeys(asked, closed), cause, now, keep=by_person)
        looping = runs_away(workflow, cause)
        refused = {pk: LOOP for pk in asked if (runs_away(workflow, own[pk]) if pk in own else looping)}
        kept = dict(refused)
        if manual:
            refused |= dict.fromkeys(outsiders(workflow, [pk for pk in asked if pk not in refused]), NOT_MATCHING)
        ids = [pk for pk in asked if pk not in refused]
        anyone = manual and reenrolling.allowed(live_definition(workflow))
        if own or (again and not anyone):
            listed = [{"record_id": pk, "cause": own.get(pk, cause), "again": anyone or pk in again} for pk in ids]
            enrolled = insert(workflow, LISTED, {"listed": json.dumps(listed)}, now)
        else:
            facts = {"ids": array(ids), "cause": json.dumps(cause), "again": anyone}
            enrolled = insert(workflow, ALIKE, facts, now)
        others = set(ids) - set(enrolled)
        refused |= reasons(workflow, others) if others else {}
        refuse(workflow, refused if by_person else kept, cause, now, keep=True)
        if by_person:
            note_manual(workflow, cause, now, enrolled=len(enrolled), refused=len(refused))
        if manual:
            transaction.on_commit(partial(doorbell.ring, "high"), robust=True)
    return Enrolled(sorted(enrolled), refused)


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
    return len(insert(workflow, candidates, {**named, "cause": json.dumps(cause)}, now))


def locked(workflow: Workflow) -> Workflow:
    """The workflow as it is now, so that it is not turned off or published while records enter."""
    return Workflow.objects.select_for_update(no_key=True, of=("self",)).select_related("live").get(pk=workflow.pk)


def live_definition(workflow: Workflow) -> dict[str, Any]:
    assert workflow.live is not None, "nothing is enrolled in a workflow that was never published"
    return workflow.live.definition


def insert(workflow: Workflow, candidates: str, facts: dict[str, Any], now: dt.datetime) -> list[int]:
    sql, common = insertion(workflow, candidates, now)
    with connection.cursor() as cursor:
        cursor.execute(sql, facts | common)
        enrolled = [row[0] for row in cursor.fetchall()]
    reach("after_enroll")
    return enrolled


def insertion(workflow: Workflow, candidates: str, now: dt.datetime) -> tuple[str, dict[str, Any]]:
    """The statement that enrolls candidates (record_id, cause, again), and its values besides theirs."""
    kind: ObjectType = object_types[workflow.object_type]
    steps = live_definition(workflow).get("steps") or []
    status = Enrollment.Status.ACTIVE if steps else Enrollment.Status.COMPLETED
    sql = ENROLL.format(
        candidates=candidates,
        table=connection.ops.quote_name(kind.table),
        key=connection.ops.quote_name(kind.key),
        live="AND record.deleted_at IS NULL" if kind.soft_deletes else "",
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
    }


def closed_because(workflow: Workflow) -> str:
    """Why nothing at all enters the workflow (TRG-30); "" when it is open."""
    if workflow.live is None:
        return UNPUBLISHED
    return "" if workflow.status in Workflow.OPEN and workflow.deleted_at is None else OFF


def runs_away(workflow: Workflow, cause: dict[str, Any]) -> bool:
    """Whether workflows have caused one another too often (decision 14)."""
    limit = getattr(settings, "WORKFLOW_DEPTH_LIMIT", DEPTH_LIMIT)
    return cause.get("depth", 0) > limit or (cause.get("chain") or []).count(workflow.pk) >= VISITS_PER_CHAIN


def outsiders(workflow: Workflow, ids: list[int]) -> set[int]:
    """Of a workflow that keeps only matching records, those that do not match (MAN-08)."""
    segments = required_segments(workflow)
    if segments is None:
        return set()
    members = Membership.objects.filter(segment__in=segments, record_id__in=ids)
    return set(ids) - set(members.values_list("record_id", flat=True))


def required_segments(workflow: Workflow) -> list[int] | None:
    """The segments of which a record must be a member of one (MAN-08); None where anybody may enter."""
    definition = live_definition(workflow)
    if not (definition.get("unenroll") or {}).get("when_no_longer_matching"):
        return None
    segments = Subscription.objects.filter(revision=workflow.live, purpose=Subscription.Purpose.TRIGGER)
    return list(segments.values_list("segment_id", flat=True))


def reasons(workflow: Workflow, ids: Collection[int]) -> dict[int, str]:
    """Why these records could not be enrolled."""
    kind = object_types[workflow.object_type]
    existing = set(kind.records().filter(pk__in=ids).values_list("pk", flat=True))
    active = set(
        Enrollment.objects.filter(workflow=workflow, record_id__in=ids, status=Enrollment.Status.ACTIVE).values_list(
            "record_id", flat=True
        )
    )
    return {pk: GONE if pk not in existing else RUNNING if pk in active else BEFORE for pk in ids}


def refuse(
    workflow: Workflow, refused: dict[int, str], cause: dict[str, Any], now: dt.datetime, *, keep: bool
) -> Enrolled:
    """Keep refusals in the history, where they answer the question why nothing happened."""
    if keep and refused and workflow.live_id:
        Enrollment.objects.bulk_create(
            Enrollment(
                workflow=workflow, revision_id=workflow.live_id, record_id=pk, status=Enrollment.Status.REFUSED,
                cause=cause, enrolled_at=now, ended_at=now, ended_reason=reason,
            )
            for pk, reason in refused.items()
        )  # fmt: skip
    return Enrolled([], refused)


def note_manual(workflow: Workflow, cause: dict[str, Any], now: dt.datetime, **numbers: int) -> None:
    AuditEntry.objects.create(
        workflow=workflow, user_id=cause.get("actor"), action="enrolled_by_hand", detail=numbers, at=now
    )


def unenroll(enrollments: QuerySet[Enrollment], *, reason: str, by: Any, now: dt.datetime) -> int:
    """End the active ones among these enrollments and return how many they were.

    One UPDATE that takes the claims away too, so that a worker in the middle of a step cannot move them on.
    `by` is the user who did it, None for the system.
    """
    ended_by = Value({"ended_by": by.pk} if by is not None else {}, output_field=JSONField())
    return enrollments.filter(status=Enrollment.Status.ACTIVE).update(
        status=Enrollment.Status.UNENROLLED,
        step="",
        due_at=None,
        claim=None,
        claimed_until=None,
        ended_at=now,
        ended_reason=reason,
        cause=Func(F("cause"), ended_by, template="%(expressions)s", arg_joiner=" || ", output_field=JSONField()),
    )
