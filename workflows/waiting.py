"""What is waiting to be done, in one cheap statement: asked by the clock every second, by workers between batches."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from records.segments import CHECK_EVERY
from workflows.claiming import CLAIMABLE

# statement_timestamp(), because an index cannot be searched for what changes while the statement runs.
LOOK = f"""
    SELECT
        statement_timestamp(),
        (SELECT at FROM records_pendingchange ORDER BY id LIMIT 1),
        (
            SELECT statement_timestamp() FROM records_segment
            WHERE active AND time_sensitive AND (checked_at IS NULL OR checked_at <= %(now)s - %(check_every)s) LIMIT 1
        ),
        (
            SELECT e.due_at FROM workflows_enrollment e
            JOIN workflows_workflow w ON w.id = e.workflow_id AND w.status <> 'paused'
            WHERE {CLAIMABLE} ORDER BY e.due_at LIMIT 1
        ),
        (SELECT due_at FROM workflows_delivery WHERE state = 'pending' AND due_at <= %(now)s ORDER BY due_at LIMIT 1)
""".replace("%(now)s", "statement_timestamp()")


@dataclass(frozen=True)
class Waiting:
    """Since when the oldest of each kind of work has been due at `now`, the database's time; None where nothing is."""

    now: dt.datetime
    changes: dt.datetime | None
    segments: dt.datetime | None
    steps: dt.datetime | None
    deliveries: dt.datetime | None

    @property
    def since(self) -> dt.datetime | None:
        moments = (self.changes, self.segments, self.steps, self.deliveries)
        return min((moment for moment in moments if moment is not None), default=None)


def look() -> Waiting:
    """See what is due now."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"check_every": CHECK_EVERY}
        cursor.execute(LOOK, facts)
        return Waiting(*cursor.fetchone())
