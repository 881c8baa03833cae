"""Monthly partitions of the tables that only grow."""

from __future__ import annotations

import datetime as dt
import itertools

from django.db import connection

MONTHS_AHEAD = 3


def months(now: dt.datetime) -> list[dt.date]:
    """First days of this month and the following ones, plus the one after the last as its end."""
    first = now.year * 12 + now.month - 1
    return [dt.date((first + i) // 12, (first + i) % 12 + 1, 1) for i in range(MONTHS_AHEAD + 2)]


def ensure_partitions(table: str, now: dt.datetime) -> list[str]:
    """Create the partitions of a table (partitioned by its `at`) for this month and the next three.

    Returns the names of those made. Rows outside every partition go to the default one, so nothing is ever refused.
    """
    made = []
    starts = months(now)
    with connection.cursor() as cursor:
        for start, end in itertools.pairwise(starts):
            name = f"{table}_{start:%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is None:
                cursor.execute(
                    f'CREATE TABLE "{name}" PARTITION OF "{table}" FOR VALUES FROM (%s) TO (%s)',
                    [start.isoformat(), end.isoformat()],
                )
                made.append(name)
    return made
