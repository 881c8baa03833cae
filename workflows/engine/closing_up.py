"""The queue before a workflow's limit closes up when somebody leaves it or the limit changes.

Who waits for a limit has been promised a moment (workflows.engine.limits). When others leave the queue before their
turn, those behind them would keep moments that are too late, and whoever comes later would be put behind these. So the
moments are looked through every few seconds and only ever moved forward; nobody overtakes anybody. Of a long queue the
front is enough: the others come to be there in time.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from django.db import connection, transaction

from records.problems import DocumentError
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.engine.limits import QUEUED, WORKFLOW, Limit, of_workflow
from workflows.models import Allowance, Workflow
from workflows.times.windows import closed_at

#: So many of the first of each queue get new moments at a time.
FRONT = 1_000

# Rows a worker has in its hands are left alone, so that the clock never waits for one and locks nothing in vain.
CLOSE_UP = f"""
    WITH placed AS MATERIALIZED (
        SELECT e.id, e.due_at,
            %(start)s::timestamptz + %(spacing)s * (row_number() OVER (ORDER BY e.due_at, e.id) - 1) AS turn_at
        FROM workflows_enrollment e WHERE e.workflow_id = %(workflow)s AND {QUEUED}
        ORDER BY e.due_at, e.id LIMIT %(front)s
    ),
    free AS MATERIALIZED (
        SELECT e.id FROM workflows_enrollment e
        WHERE e.id = ANY(ARRAY(
            SELECT id FROM placed
            WHERE turn_at < due_at AND (SELECT bool_or(turn_at + %(slack)s < due_at) FROM placed)
        )) AND {QUEUED}
        FOR UPDATE SKIP LOCKED
    )
    UPDATE workflows_enrollment e SET due_at = p.turn_at
    FROM placed p WHERE e.id = p.id AND e.due_at = p.due_at AND e.id = ANY(ARRAY(SELECT id FROM free))
"""
SHOW_END = f"""
    UPDATE workflows_allowance SET queue_until = (
        SELECT e.due_at FROM workflows_enrollment e WHERE e.workflow_id = %(workflow)s AND {QUEUED}
        ORDER BY e.due_at DESC LIMIT 1
    )
    WHERE scope = ANY(ARRAY(SELECT scope FROM workflows_allowance WHERE scope = %(scope)s FOR UPDATE SKIP LOCKED))
"""
# The first may go at once, as nothing is known of the new limit yet; the others one after the other.
PLACE_ALL = f"""
    UPDATE workflows_enrollment e SET due_at = p.turn_at
    FROM (
        SELECT e.id, CASE WHEN row_number() OVER queue <= %(count)s THEN %(now)s ELSE
            %(start)s::timestamptz + %(spacing)s * (row_number() OVER queue - %(count)s - 1)
        END AS turn_at
        FROM workflows_enrollment e WHERE e.workflow_id = %(workflow)s AND {QUEUED}
        WINDOW queue AS (ORDER BY e.due_at, e.id)
    ) p
    WHERE e.id = p.id
"""
LET_ALL_ASK = f"""
    UPDATE workflows_enrollment e SET turn = 0, due_at = LEAST(e.due_at, %(now)s)
    WHERE e.workflow_id = %(workflow)s AND {QUEUED}
"""


def close_up(now: dt.datetime) -> int:
    """Move those who wait for workflows' limits forward where others have left; how many were moved."""
    waiting = Allowance.objects.filter(scope__startswith=WORKFLOW, queue_until__gt=now).order_by("scope")
    queues = {int(found.scope.removeprefix(WORKFLOW)): found for found in waiting}
    workflows = Workflow.objects.filter(pk__in=queues, status=Workflow.Status.ON).select_related("live").order_by("pk")
    return sum(close_up_one(workflow, queues[workflow.pk], now) for workflow in workflows)


def close_up_one(workflow: Workflow, bucket: Allowance, now: dt.datetime) -> int:
    definition = live_definition(workflow)
    limit = of_workflow(definition) if definition else None
    # Outside the execution windows nobody could act who came earlier.
    if definition is None or limit is None or closed_at(definition, now):
        return 0
    facts: dict[str, Any] = {
        "workflow": workflow.pk, "scope": bucket.scope, "front": FRONT, "start": next_turn(bucket, limit, now),
        "spacing": limit.spacing, "slack": dt.timedelta(seconds=limit.slice),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLOSE_UP, facts)
        moved = cursor.rowcount
        cursor.execute(SHOW_END, facts)
    return moved


def live_definition(workflow: Workflow) -> Definition | None:
    """None where it cannot be read any more: the engine says so when it comes to it."""
    try:
        return parse(workflow.live.definition) if workflow.live else None
    except DocumentError:
        return None


def next_turn(bucket: Allowance, limit: Limit, now: dt.datetime) -> dt.datetime:
    """When the first of those who wait may pass: when a token is free, and not at once after the last who did."""
    newest = math.floor(now.timestamp() / limit.slice) + 2
    lately = [int(number) for number in bucket.taken if int(number) <= newest]
    found = max(now, bucket.full_until or now)
    if lately:
        found = max(found, dt.datetime.fromtimestamp(max(lately) * limit.slice, dt.UTC) + limit.spacing)
    return found


def begin_anew(workflow: int, limit: Limit | None, now: dt.datetime) -> int:
    """Give everybody who waits for a limit that was changed a new moment; without one they go on at once.

    Their order stays. Returns how many waited.
    """
    scope = f"{WORKFLOW}{workflow}"
    Allowance.objects.filter(scope=scope).delete()
    facts: dict[str, Any] = {"workflow": workflow, "scope": scope, "now": now}
    with connection.cursor() as cursor:
        if limit is None:
            cursor.execute(LET_ALL_ASK, facts)
            return int(cursor.rowcount)
        # The tokens the first of them take come back a period later, at the end of their slice.
        start = now + dt.timedelta(seconds=limit.period + limit.slice)
        cursor.execute(PLACE_ALL, facts | {"count": limit.count, "spacing": limit.spacing, "start": start})
        moved = int(cursor.rowcount)
        Allowance.objects.create(scope=scope)
        cursor.execute(SHOW_END, facts)
        return moved
