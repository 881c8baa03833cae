"""What is waiting to be done, in one cheap statement: asked by the clock every second, by workers between batches.

Paused workflows and deliveries whose limit is used up have nothing waiting, however much they hold.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from workflows.engine.claiming import CLAIMABLE
from workflows.engine.limits import OPEN_KINDS, OPEN_LANES

# statement_timestamp(), because an index cannot be searched for what changes while the statement runs.
LOOK = f"""
    SELECT
        statement_timestamp(),
        LEAST(
            (SELECT at FROM records_pendingchange ORDER BY id LIMIT 1),
            (SELECT at FROM records_pendingevent ORDER BY id LIMIT 1),
            (SELECT check_at FROM workflows_eventwait WHERE check_at <= %(now)s ORDER BY check_at LIMIT 1),
            (SELECT MIN(due_at) FROM workflows_hindrance WHERE due_at <= %(now)s)
        ),
        (
            SELECT COALESCE(MIN(check_at), %(now)s) FROM records_segment
            WHERE active AND time_sensitive AND (check_at IS NULL OR check_at <= %(now)s) HAVING count(*) > 0
        ),
        (
            SELECT MIN(front.due_at) FROM workflows_workflow w CROSS JOIN LATERAL (
                SELECT e.due_at FROM workflows_enrollment e WHERE {CLAIMABLE} AND e.workflow_id = w.id
                ORDER BY e.due_at LIMIT 1
            ) front WHERE w.status <> 'paused'
        ),
        (
            SELECT MIN(front.due_at) FROM ({OPEN_KINDS}) k CROSS JOIN LATERAL (
                SELECT due_at FROM workflows_delivery
                WHERE state = 'pending' AND kind = k.kind AND due_at <= %(now)s ORDER BY due_at LIMIT 1
            ) front WHERE k.kind <> 'webhook'
        ),
        (
            SELECT MIN(front.due_at) FROM ({OPEN_LANES}) l CROSS JOIN LATERAL (
                SELECT due_at FROM workflows_delivery
                WHERE state = 'pending' AND kind = 'webhook' AND lane = l.lane AND due_at <= %(now)s
                ORDER BY due_at LIMIT 1
            ) front
        )
""".replace("%(now)s", "statement_timestamp()")


@dataclass(frozen=True)
class Waiting:
    """Since when the oldest of each kind of work has been due at `now`, the database's time; None where nothing is."""

    now: dt.datetime
    changes: dt.datetime | None
    segments: dt.datetime | None
    steps: dt.datetime | None
    deliveries: dt.datetime | None
    requests: dt.datetime | None

    @property
    def since(self) -> dt.datetime | None:
        moments = (self.changes, self.segments, self.steps, self.deliveries, self.requests)
        return min((moment for moment in moments if moment is not None), default=None)


def look() -> Waiting:
    """See what is due now."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK)
        return Waiting(*cursor.fetchone())
