"""Claims: which worker runs which enrollments, for how long, by the database's clock; no workflow starves another.

A claim is picked in two levels: the workflow whose turn it is, then the place its longest waiting record stands on.
Every process takes its workflows in a ring, so the one it has served least recently comes first; that is all it keeps
in memory, and nothing is wrong when it is lost. Each workflow is looked at through the index of its own due records,
so a paused one costs nothing, however much it holds.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from workflows.engine.taking_back import FREE, new_token

#: A place that was claimed without a result is claimed in ever smaller parts, so that what kills a worker ends alone.
PART_OF_ATTEMPT = {0: 1.0, 1: 0.1, 2: 0.0}
CRASHES = 3
#: Among how many of a place's records those are looked for that were claimed in vain as often as the first.
SEEN_AT_ONCE = 4
#: Of each workflow so many of the longest waiting are looked at by `recover`.
RECOVERED_AT_ONCE = 500
LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)

CLAIMABLE = """
    e.status = 'active' AND e.due_at <= %(now)s
    AND (e.claimed_until IS NULL OR e.claimed_until < clock_timestamp())
"""
# Whoever still has a claim whose lease is over was not heard of again. That counts, unless PostgreSQL was started
# since: then it was the database that went away.
TRIED = """
    LEAST(e.attempts + CASE WHEN e.claim IS NOT NULL AND e.claimed_until - %(lease)s >= pg_postmaster_start_time()
        THEN 1 ELSE 0 END, 1000)
"""
# The same as "tried is 0", so that the planner sees that this is nearly everybody.
UNTRIED = "e.attempts = 0 AND (e.claim IS NULL OR e.claimed_until - %(lease)s < pg_postmaster_start_time())"
#: The workflows due records may be of, those this process has not served longest first.
RING = "SELECT id FROM workflows_workflow WHERE status <> 'paused' ORDER BY id <= %(served)s, id"
FRESHEST = f"""
    SELECT w.id FROM workflows_workflow w CROSS JOIN LATERAL (
        SELECT e.due_at FROM workflows_enrollment e WHERE {CLAIMABLE} AND e.workflow_id = w.id
            AND e.due_at >= %(since)s
        ORDER BY e.due_at DESC LIMIT 1
    ) found
    WHERE w.status <> 'paused' ORDER BY found.due_at DESC LIMIT 1
"""
PICK = f"""
    SELECT found.* FROM ({{workflows}}) w CROSS JOIN LATERAL (
        SELECT e.workflow_id, e.revision_id, e.step, {TRIED} AS tried FROM workflows_enrollment e
        WHERE {CLAIMABLE} AND e.workflow_id = w.id
        ORDER BY e.due_at {{order}} LIMIT 1 FOR UPDATE SKIP LOCKED
    ) found LIMIT 1
"""
CLAIM = f"""
    UPDATE workflows_enrollment e SET
        claim = %(token)s, claimed_until = clock_timestamp() + %(lease)s, attempts = {TRIED}
    WHERE e.id = ANY(ARRAY(
        SELECT e.id FROM workflows_enrollment e
        WHERE {CLAIMABLE} AND e.revision_id = (SELECT revision_id FROM picked) AND e.step = (SELECT step FROM picked)
            AND {UNTRIED} AND (SELECT tried FROM picked) = 0
        ORDER BY e.due_at {{order}} LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ))
    RETURNING e.id
"""
# What was claimed in vain is little and stands in front; the million behind it is not searched for more of it.
CLAIM_AGAIN = f"""
    UPDATE workflows_enrollment e SET
        claim = %(token)s, claimed_until = clock_timestamp() + %(lease)s, attempts = {TRIED}
    WHERE e.id = ANY(ARRAY(
        SELECT e.id FROM workflows_enrollment e
        WHERE {CLAIMABLE} AND e.id = ANY(ARRAY(
            SELECT front.id FROM (
                SELECT e.id, LEAST({TRIED}, {CRASHES}) AS tried FROM workflows_enrollment e
                WHERE {CLAIMABLE} AND e.revision_id = %(revision)s AND e.step = %(step)s
                ORDER BY e.due_at {{order}} LIMIT %(seen)s
            ) front WHERE front.tried = %(tried)s LIMIT %(limit)s
        )) FOR UPDATE SKIP LOCKED
    ))
    RETURNING e.id
"""
# Picked and claimed in one statement, which is a transaction of its own. Of a place that was claimed in vain before
# nothing is claimed by it.
TAKE = f"""
    WITH picked AS MATERIALIZED ({PICK}), claimed AS ({CLAIM})
    SELECT picked.*, (SELECT count(*) FROM claimed), (SELECT array_agg(id)::text FROM claimed) FROM picked
"""
TAKE_AGAIN = f"WITH claimed AS ({CLAIM_AGAIN}) SELECT count(*), array_agg(id)::text FROM claimed"
# Whoever holds a row meanwhile takes the claim away, too, so that nobody waits for a long publication here.
RELEASE = """
    UPDATE workflows_enrollment SET claim = NULL, claimed_until = clock_timestamp() + %(pause)s
    WHERE id = ANY(ARRAY(
        SELECT id FROM workflows_enrollment
        WHERE id = ANY(%(ids)s::bigint[]) AND claim = %(token)s AND status = 'active' FOR UPDATE SKIP LOCKED
    ))
"""
GIVE_UP = f"""
    UPDATE workflows_enrollment e SET {FREE}
    WHERE e.id = ANY(%(ids)s::bigint[]) AND e.claim = %(token)s AND e.status = 'active'
"""
# Claimed rows are no index's business, so only the front of each workflow is looked through.
RECOVER = f"""
    UPDATE workflows_enrollment e SET claim = NULL, claimed_until = NULL, attempts = {TRIED}
    WHERE e.status = 'active' AND e.claim IS NOT NULL AND e.claimed_until < clock_timestamp() AND e.id = ANY(ARRAY(
        SELECT front.id FROM workflows_workflow w CROSS JOIN LATERAL (
            SELECT e.id, e.claim FROM workflows_enrollment e
            WHERE e.status = 'active' AND e.due_at <= %(now)s AND e.workflow_id = w.id ORDER BY e.due_at LIMIT %(seen)s
        ) front WHERE front.claim IS NOT NULL
    ))
"""


@dataclass(frozen=True)
class Claim:
    """The right to run some enrollments until the lease ends. `crashed`: they were claimed three times in vain.

    Their ids stay the text of an array, as the database gave them: mostly they are only given back to it.
    """

    token: uuid.UUID
    count: int
    listed: str
    crashed: bool = False

    @cached_property
    def ids(self) -> tuple[int, ...]:
        return tuple(int(pk) for pk in self.listed[1:-1].split(",") if pk)

    @property
    def first(self) -> int:
        """One of them; 0 when there is none."""
        return int(self.listed[1:-1].partition(",")[0] or 0)


@dataclass(frozen=True)
class Place:
    """A step of a revision where somebody is due, and how often the first of them was claimed in vain."""

    workflow: int
    revision: int
    step: str
    tried: int


class Ring:
    """Which workflow this process has served last."""

    served = 0


ring = Ring()


def lease() -> dt.timedelta:
    return dt.timedelta(seconds=getattr(settings, "WORKFLOW_LEASE_SECONDS", 30))


def claim(now: dt.datetime, limit: int, *, freshest: bool = False, since: dt.datetime | None = None) -> Claim | None:
    """Claim up to `limit` due enrollments that stand on one step; None when nothing is due.

    The step is that of the enrollment due longest in the workflow whose turn it is (`freshest`: of the one due last
    of all, for the worker that is kept for fresh changes; nothing when that was due before `since`). Rows another
    worker has locked or claimed are passed over.
    """
    facts: dict[str, Any] = {
        "now": now, "lease": lease(), "served": ring.served, "token": new_token(), "limit": limit,
        "since": since or LONG_AGO,
    }  # fmt: skip
    ways = ((FRESHEST, "DESC"), (RING, "ASC"))
    with connection.cursor() as cursor:
        for workflows, order in ways[0 if freshest else 1 : 1 if since else 2]:
            cursor.execute(TAKE.format(workflows=workflows, order=order), facts)
            found = cursor.fetchone()
            if found is None:
                continue
            *place, count, listed = found
            ring.served = place[0]
            if claimed := Claim(facts["token"], count, listed) if count else claim_again(facts, workflows, order):
                return claimed
    return None


def claim_again(facts: dict[str, Any], workflows: str, order: str) -> Claim | None:
    """Claim what was claimed in vain before, in ever smaller parts, or was changed while it was being claimed.

    None when somebody else was faster.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PICK.format(workflows=workflows, order=order), facts)
        found = cursor.fetchone()
        if found is None:
            return None
        place = Place(*found)
        tried, limit = min(place.tried, CRASHES), facts["limit"]
        facts |= {
            "revision": place.revision, "step": place.step, "tried": tried,
            "limit": max(int(limit * PART_OF_ATTEMPT.get(tried, 1.0)), 1), "seen": limit * SEEN_AT_ONCE,
        }  # fmt: skip
        cursor.execute(TAKE_AGAIN.format(order=order), facts)
        count, listed = cursor.fetchone()
        return Claim(facts["token"], count, listed or "{}", tried >= CRASHES)


def release(claim: Claim, pause: dt.timedelta) -> None:
    """Give enrollments back, to be claimed again after a pause; the attempt does not count."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"token": claim.token, "ids": claim.listed, "pause": pause}
        cursor.execute(RELEASE, facts)


def give_up(claim: Claim) -> None:
    """Free what this process has claimed itself and could not do; the claim counts as one in vain."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"token": claim.token, "ids": claim.listed}
        cursor.execute(GIVE_UP, facts)


def recover(now: dt.datetime) -> int:
    """Take away the claims whose lease has ended; how many there were. They can be claimed with or without this."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"now": now, "lease": lease(), "seen": RECOVERED_AT_ONCE}
        cursor.execute(RECOVER, facts)
        return cursor.rowcount
