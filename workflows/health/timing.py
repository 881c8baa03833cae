"""How long claims, batches of steps and rounds of dispatching took: histograms that all processes add to.

Kept apart from the work like the counts of steps (workflows.engine.tallying), and written with them every few seconds.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from typing import Any

from django.db import DatabaseError, connection

from workflows.models import Timing

logger = logging.getLogger(__name__)

BATCH, DISPATCH, CLAIM = "batch", "dispatch", "claim"
#: Seconds up to which each bucket reaches, the last one to infinity.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# In one order, so that two processes never wait for each other in a circle.
ADD = """
    INSERT INTO workflows_timing (kind, bucket, count, seconds)
    SELECT * FROM unnest(%(kinds)s::text[], %(buckets)s::int[], %(counts)s::bigint[], %(seconds)s::float8[])
    ORDER BY 1, 2
    ON CONFLICT (kind, bucket) DO UPDATE SET
        count = workflows_timing.count + EXCLUDED.count, seconds = workflows_timing.seconds + EXCLUDED.seconds
"""

#: What this process has not written yet, by (kind, bucket).
counts: Counter[tuple[str, int]] = Counter()
sums: defaultdict[tuple[str, int], float] = defaultdict(float)


def took(kind: str, seconds: float) -> None:
    """Remember how long one claim that found something, one batch, or one round of dispatching took."""
    key = (kind, bisect_left(BOUNDS, seconds))
    counts[key] += 1
    sums[key] += seconds


def flush() -> None:
    """Write what this process has remembered."""
    if not counts:
        return
    keys = sorted(counts)
    facts: dict[str, Any] = {
        "kinds": [kind for kind, _bucket in keys], "buckets": [bucket for _kind, bucket in keys],
        "counts": [counts[key] for key in keys], "seconds": [sums[key] for key in keys],
    }  # fmt: skip
    counts.clear()
    sums.clear()
    try:
        with connection.cursor() as cursor:
            cursor.execute(ADD, facts)
    except DatabaseError as error:
        logger.warning("How long %d batches and rounds took was not written: %s", sum(facts["counts"]), error)


def histogram(kind: str) -> tuple[list[tuple[str, float]], float]:
    """The cumulated counts by the buckets' upper bounds as Prometheus writes them, and the sum of all seconds."""
    rows = {row.bucket: row for row in Timing.objects.filter(kind=kind)}
    found, total = [], 0
    for bucket, bound in enumerate([*map(str, BOUNDS), "+Inf"]):
        total += rows[bucket].count if bucket in rows else 0
        found.append((bound, float(total)))
    return found, sum(row.seconds for row in rows.values())
