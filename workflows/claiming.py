"""Claims: which worker runs which enrollments, for how long, by the database's clock."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

#: A place that was claimed without a result is claimed in ever smaller parts, so that what kills a worker ends alone.
PART_OF_ATTEMPT = {0: 1.0, 1: 0.1, 2: 0.0}
CRASHES = 3

CLAIMABLE = """
    e.status = 'active' AND e.due_at <= %(now)s
    AND (e.claimed_until IS NULL OR e.claimed_until < clock_timestamp())
"""
PICK = f"""
    SELECT e.revision_id, e.step, e.attempts
    FROM workflows_enrollment e JOIN workflows_workflow w ON w.id = e.workflow_id AND w.status <> 'paused'
    WHERE {CLAIMABLE}
    ORDER BY e.due_at %(order)s LIMIT 1 FOR UPDATE OF e SKIP LOCKED
"""
CLAIM = f"""
    UPDATE workflows_enrollment SET
        claim = %(token)s, claimed_until = clock_timestamp() + %(lease)s, attempts = LEAST(attempts + 1, 1000)
    WHERE id = ANY(ARRAY(
        SELECT e.id FROM workflows_enrollment e
        WHERE {CLAIMABLE} AND e.revision_id = %(revision)s AND e.step = %(step)s
            AND LEAST(e.attempts, {CRASHES}) = %(attempts)s
        ORDER BY e.due_at %(order)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
"""
RELEASE = """
    UPDATE workflows_enrollment SET
        claim = NULL, claimed_until = clock_timestamp() + %(pause)s, attempts = GREATEST(attempts - 1, 0)
    WHERE id = ANY(%(ids)s) AND claim = %(token)s AND status = 'active'
"""
RECOVER = """
    UPDATE workflows_enrollment SET claim = NULL, claimed_until = NULL
    WHERE status = 'active' AND due_at <= %(now)s AND claimed_until < clock_timestamp()
"""


@dataclass(frozen=True)
class Claim:
    """The right to run some enrollments until the lease ends. `crashed`: they were claimed three times in vain."""

    token: uuid.UUID
    ids: tuple[int, ...]
    crashed: bool = False

    @property
    def count(self) -> int:
        return len(self.ids)


def lease() -> dt.timedelta:
    return dt.timedelta(seconds=getattr(settings, "WORKFLOW_LEASE_SECONDS", 30))


def claim(now: dt.datetime, limit: int, *, freshest: bool = False) -> Claim | None:
    """Claim up to `limit` due enrollments that stand on one step; None when nothing is due.

    The step is that of the enrollment due longest (`freshest`: due last, for the worker that is kept for fresh
    changes). Rows another worker has locked or claimed are passed over.
    """
    order = "DESC" if freshest else "ASC"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PICK.replace("%(order)s", order), {"now": now})
        place = cursor.fetchone()
        if place is None:
            return None
        revision, step, attempts = place
        part = PART_OF_ATTEMPT.get(attempts, 1.0)
        facts: dict[str, Any] = {
            "token": uuid.uuid4(),
            "lease": lease(),
            "now": now,
            "revision": revision,
            "step": step,
            "attempts": min(attempts, CRASHES),
            "limit": max(int(limit * part), 1),
        }
        cursor.execute(CLAIM.replace("%(order)s", order), facts)
        return Claim(facts["token"], tuple(pk for (pk,) in cursor.fetchall()), attempts >= CRASHES)


def release(claim: Claim, pause: dt.timedelta) -> None:
    """Give enrollments back, to be claimed again after a pause; the attempt does not count."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"token": claim.token, "ids": list(claim.ids), "pause": pause}
        cursor.execute(RELEASE, facts)


def recover(now: dt.datetime) -> int:
    """Take away the claims whose lease has ended; how many there were. They can be claimed with or without this."""
    with connection.cursor() as cursor:
        cursor.execute(RECOVER, {"now": now})
        return cursor.rowcount
