"""Monthly partitions of the tables that only grow."""

from __future__ import annotations

import datetime as dt
import itertools

from django.db import connection, transaction

MONTHS_AHEAD = 3


def months(now: dt.datetime) -> list[dt.date]:
    """First days of this month and the following ones, plus the one after the last as its end."""
    first = now.year * 12 + now.month - 1
    return [dt.date((first + i) // 12, (first + i) % 12 + 1, 1) for i in range(MONTHS_AHEAD + 2)]


# The column by which a table is partitioned.
COLUMN = """
    SELECT a.attname FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid
        AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = to_regclass(%s)
"""


def ensure_partitions(table: str, now: dt.datetime) -> list[str]:
    """Create the partitions of a table (partitioned by time) for this month and the next three.

    Returns the names of those made. Rows outside every partition go to the default one, so nothing is ever refused;
    what lies there of a month goes to its partition when that is made.
    """
    made = []
    starts = months(now)
    with connection.cursor() as cursor:
        for start, end in itertools.pairwise(starts):
            name = f"{table}_{start:%Y_%m}"
            cursor.execute("SELECT to_regclass(%s)", [name])
            if cursor.fetchone()[0] is None:
                create(table, name, start.isoformat(), end.isoformat())
                made.append(name)
    return made


def create(table: str, name: str, start: str, end: str) -> None:
    """Make the partition from a day up to another, with the rows of the default one that belong in it.

    PostgreSQL refuses one of which the default partition has rows already. There are some where nobody made the
    partition in time, or where something is dated far ahead.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # As making the partition would: nobody writes a row of the month meanwhile.
        cursor.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
        cursor.execute(COLUMN, [table])
        (column,) = cursor.fetchone()
        cursor.execute(
            f'CREATE TEMPORARY TABLE "{name}_moved" ON COMMIT DROP AS SELECT * FROM ONLY "{table}_default"'
            f' WHERE "{column}" >= %s AND "{column}" < %s',
            [start, end],
        )
        cursor.execute(f'SELECT EXISTS (SELECT FROM "{name}_moved")')
        late = cursor.fetchone()[0]
        if late:
            cursor.execute(f'DELETE FROM "{table}_default" WHERE "{column}" >= %s AND "{column}" < %s', [start, end])
        cursor.execute(f'CREATE TABLE "{name}" PARTITION OF "{table}" FOR VALUES FROM (%s) TO (%s)', [start, end])
        if late:
            cursor.execute(f'INSERT INTO "{name}" SELECT * FROM "{name}_moved"')
        cursor.execute(f'DROP TABLE "{name}_moved"')
