"""All workflows of an installation in a few numbers: how many are in which state, and in how many something fails."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

#: How far back failed steps count.
LATELY = dt.timedelta(days=1)
# Stopped records are found by their own index; what steps did is kept by the minute.
OVERALL = """
    WITH known AS (
        SELECT w.id, CASE WHEN w.live_id IS NULL THEN 'draft' ELSE w.status END AS status
        FROM workflows_workflow w WHERE w.deleted_at IS NULL
    ), lately AS (
        SELECT workflow_id, sum(steps) AS done, COALESCE(sum(steps) FILTER (WHERE outcome = 'failed'), 0) AS failed
        FROM workflows_tally WHERE minute > %(since)s GROUP BY workflow_id
    )
    SELECT count(*) FILTER (WHERE status = 'on'), count(*) FILTER (WHERE status = 'paused'),
        count(*) FILTER (WHERE status = 'draining'), count(*) FILTER (WHERE status = 'off'),
        count(*) FILTER (WHERE status = 'draft'), count(*) FILTER (WHERE lately.failed > 0),
        count(*) FILTER (WHERE EXISTS (
            SELECT FROM workflows_enrollment e
            WHERE e.workflow_id = known.id AND e.status = 'failed' AND NOT e.step = ''
        )), COALESCE(sum(lately.done), 0)::bigint, COALESCE(sum(lately.failed), 0)::bigint
    FROM known LEFT JOIN lately ON lately.workflow_id = known.id
"""


@dataclass(frozen=True)
class Overall:
    """Workflows by state; in how many steps failed in a day, or records are stopped; the steps of that day."""

    on: int
    paused: int
    finishing: int
    off: int
    drafts: int
    failing: int
    stopped: int
    steps: int
    failed_steps: int

    @property
    def succeeded(self) -> float | None:
        """The part of the steps that did not fail, in percent with a decimal; None where there were none."""
        return round(100 * (self.steps - self.failed_steps) / self.steps, 1) if self.steps else None


def overall(now: dt.datetime) -> Overall:
    facts: dict[str, Any] = {"since": now - LATELY}
    with connection.cursor() as cursor:
        cursor.execute(OVERALL, facts)
        return Overall(*cursor.fetchone())
