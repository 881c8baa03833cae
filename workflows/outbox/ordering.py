"""Requests in the outbox: ordered by a step, and the records that wait for what becomes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import connection

from workflows.models import Delivery

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

KIND = "webhook"
State = Delivery.State
# Those that wait for another delivery by now, or have gone on, are left alone. Values without names, as only those can
# be given where the journal looks away (records.saving.erasing).
LOCK = """
    SELECT e.id FROM workflows_enrollment e JOIN workflows_delivery d ON d.enrollment_id = e.id
    WHERE d.id = ANY(%s) AND e.status = 'active' ORDER BY e.id FOR NO KEY UPDATE OF e
"""
# A step that sends several waits for the last of them.
WAKE = """
    UPDATE workflows_enrollment e SET due_at = COALESCE(%s, statement_timestamp()) FROM workflows_delivery d
    WHERE d.id = ANY(%s) AND e.id = d.enrollment_id
        AND starts_with(concat(d.key, ':'), concat_ws(':', e.id, e.step, e.visit, ''))
        AND e.status = 'active' AND e.waiting_in = e.step AND e.due_at IS NULL
        AND NOT EXISTS (
            SELECT FROM workflows_delivery o WHERE o.enrollment_id = e.id AND o.kind = 'webhook'
                AND o.state IN ('pending', 'sending') AND starts_with(o.key, concat_ws(':', e.id, e.step, e.visit, ''))
        )
"""


def delivery(batch: Batch, enrollment: Standing, request: dict[str, Any], part: str = "") -> Delivery:
    """A request of a step for one enrollment, not stored yet. Requests of one lane wait for one another.

    `part` tells those of a step that sends several for one enrollment from each other.
    """
    lane = f"connection:{request['connection']}" if request["connection"] else request["host"]
    return Delivery(
        key=":".join(filter(None, (batch.key(enrollment), part))), kind=KIND, lane=lane[:300],
        enrollment_id=enrollment.id, request=request,
        due_at=batch.now, created_at=batch.now,
    )  # fmt: skip


def order(deliveries: list[Delivery], now: dt.datetime) -> None:
    """Store requests to be sent. What was given up or skipped under the same key is sent again as it was."""
    if not deliveries:
        return
    keys = [one.key for one in deliveries]
    again = {
        "state": State.PENDING,
        "due_at": now,
        "attempts": 0,
        "claim": None,
        "claimed_until": None,
        "answer": None,
    }
    Delivery.objects.filter(key__in=keys, state__in=(State.DEAD, State.SKIPPED)).update(**again)
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)


def order_again(deliveries: Iterable[tuple[Delivery, int]], now: dt.datetime) -> None:
    """Send what was given up once more, with how often its step has been tried again."""
    rows = []
    for one, tries in deliveries:
        one.state, one.due_at, one.attempts, one.answer = State.PENDING, now, 0, {"tries": tries}
        rows.append(one)
    Delivery.objects.bulk_update(rows, ["state", "due_at", "attempts", "answer"])


def found(batch: Batch) -> dict[int, Delivery]:
    """The request each enrollment of a batch waits for, by its id."""
    keys = {batch.key(enrollment): enrollment.id for enrollment in batch.enrollments}
    return {keys[one.key]: one for one in Delivery.objects.filter(key__in=keys)}


def found_all(batch: Batch) -> dict[int, list[Delivery]]:
    """The requests each enrollment of a batch waits for, where a step sends several, in their order, by its id."""
    keys = {enrollment.id: f"{batch.key(enrollment)}:" for enrollment in batch.enrollments}
    listed: dict[int, list[Delivery]] = {}
    for one in Delivery.objects.filter(enrollment_id__in=keys, kind=KIND).order_by("pk"):
        if one.enrollment_id is not None and one.key.startswith(keys[one.enrollment_id]):
            listed.setdefault(one.enrollment_id, []).append(one)
    return listed


def wake(ids: list[int], now: dt.datetime | None = None) -> None:
    """Let the records go on that wait for deliveries which have come to their end, in the same transaction.

    They are due at `now`, or at the database's own where no moment is at hand.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [ids])
        cursor.execute(WAKE, [now, ids])
