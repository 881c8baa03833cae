"""What batches did: one log line each, and steps counted by workflow, outcome and minute.

The counts are kept apart from the work and written after it, so that they cost a reaction nothing and workers never
wait for each other's. They feed the health page, the alerts and the metrics; the log of steps is what is exact.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connection

from workflows.health import timing
from workflows.models import Tally

if TYPE_CHECKING:
    from workflows.engine.batch import Standing
    from workflows.engine.claiming import Claim

logger = logging.getLogger(__name__)

#: Seconds a worker that is busy keeps its counts to itself at most.
EVERY = 5.0
KEPT = dt.timedelta(days=2)
#: The minute under which the sums of all minutes are kept.
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: Ids a log line names at most.
NAMED = 5
ADD = """
    INSERT INTO workflows_tally (workflow_id, minute, outcome, steps)
    SELECT r.workflow_id, m.minute, v.outcome, sum(v.steps)
    FROM unnest(%(revisions)s::bigint[], %(outcomes)s::text[], %(steps)s::bigint[]) AS v (revision, outcome, steps)
    JOIN workflows_revision r ON r.id = v.revision
    CROSS JOIN (VALUES (%(epoch)s::timestamptz), (date_trunc('minute', clock_timestamp()))) AS m (minute)
    GROUP BY r.workflow_id, m.minute, v.outcome ORDER BY r.workflow_id, m.minute, v.outcome
    ON CONFLICT (minute, workflow_id, outcome) DO UPDATE SET steps = workflows_tally.steps + EXCLUDED.steps
"""

#: Steps of this process not written yet, by (revision, outcome).
counted: Counter[tuple[int, str]] = Counter()
written = {"at": 0.0}


class Report:
    """One batch on its way: what the log line and the counts say about it once it is committed."""

    def __init__(self, claim: Claim, groups: Mapping[tuple[Any, ...], Sequence[Standing]]) -> None:
        self.began = time.monotonic()
        self.workflow = 0
        self.facts: dict[str, Any] = {}
        if logger.isEnabledFor(logging.INFO):
            self.facts = facts_of(claim, groups)

    def committed(self, counts: Mapping[tuple[int, str], int]) -> None:
        """Count the steps and write the line. Identifiers only: nothing of what the records hold."""
        counted.update(counts)
        seconds = round(time.monotonic() - self.began, 4)
        timing.took(timing.BATCH, seconds)
        if not self.facts:
            return
        steps = sum(counts.values())
        logger.info(
            "%d steps for %d enrollments from step %s of workflow %d in %.3f s",
            steps, self.facts["enrollments"], self.facts["step"], self.workflow, seconds,
            extra={"workflow": self.workflow, **self.facts, "steps": steps, "seconds": seconds},
        )  # fmt: skip


def facts_of(claim: Claim, groups: Mapping[tuple[Any, ...], Sequence[Standing]]) -> dict[str, Any]:
    """Whose batch it is: revision, step, enrollments, and the journal's changes that led to them."""
    first: list[Standing] = []
    for group in groups.values():
        first += group[: NAMED - len(first)]
    if not first:
        return {}
    return {
        "claim": str(claim.token),
        "revision": next(iter(groups))[0],
        "step": first[0].step,
        "enrollments": sum(len(group) for group in groups.values()),
        "enrollment_ids": [standing.id for standing in first],
        "change_ids": [standing.cause["change"] for standing in first if "change" in standing.cause],
    }


def flush(*, soon: bool = True) -> None:
    """Write what this process has counted; unless `soon`, only when it was not written for a while."""
    if not soon and time.monotonic() - written["at"] < EVERY:
        return
    timing.flush()
    if not counted:
        return
    rows = [(revision, outcome, steps) for (revision, outcome), steps in counted.items()]
    counted.clear()
    written["at"] = time.monotonic()
    revisions, outcomes, steps = (list(column) for column in zip(*rows, strict=True))
    try:
        with connection.cursor() as cursor:
            facts: dict[str, Any] = {"revisions": revisions, "outcomes": outcomes, "steps": steps, "epoch": EPOCH}
            cursor.execute(ADD, facts)
    except DatabaseError as error:
        logger.warning("%d steps were done and not counted: %s", sum(steps), error)


def forget(now: dt.datetime) -> int:
    """Drop the counts nobody shows any more; how many rows they were."""
    return Tally.objects.filter(minute__gt=EPOCH, minute__lt=now - KEPT).delete()[0]
