"""What the journal adds to an `update()` of many rows."""

from __future__ import annotations

import statistics
import time
from typing import TextIO

from django.db import connection
from django.db.models import F

from crm.models import Deal

ROUNDS = 5
GOAL = 3.0
FILL = """
    INSERT INTO crm_deal (name, pipeline, stage, amount, currency, probability)
    SELECT 'Deal ' || n, 'sales', 'prospecting', mod(n, 10000), 'EUR', mod(n, 100) FROM generate_series(1, %s) AS n
"""


def run(rows: int, out: TextIO) -> bool:
    """Time the same statement with and without the triggers, in turns; True when the goal is met."""
    execute(FILL, [rows])
    execute("TRUNCATE records_change, records_pendingchange")
    bare, journaled = [], []
    for _ in range(ROUNDS):
        execute("ALTER TABLE crm_deal DISABLE TRIGGER USER")
        bare.append(seconds())
        execute("ALTER TABLE crm_deal ENABLE TRIGGER USER")
        journaled.append(seconds())
        written = count("records_change")
        if written != rows:
            raise AssertionError(f"The journal has {written} changes of {rows} updated rows.")
        execute("TRUNCATE records_change, records_pendingchange")
    execute("TRUNCATE crm_deal CASCADE")
    execute("TRUNCATE records_change, records_pendingchange")
    plain, with_journal = statistics.median(bare), statistics.median(journaled)
    ratio = with_journal / plain
    out.write(
        f"Journal, update() of {rows:,} rows, median of {ROUNDS}: bare {plain:.2f} s, journaled {with_journal:.2f} s, "
        f"{ratio:.2f}x (goal {GOAL:.0f}x)\n"
    )
    return ratio <= GOAL


def seconds() -> float:
    """One `update()` of every row and its commit, on a vacuumed table after a checkpoint."""
    execute("VACUUM crm_deal")
    execute("CHECKPOINT")
    began = time.perf_counter()
    Deal.objects.update(amount=F("amount") + 1)
    return time.perf_counter() - began


def execute(statement: str, params: list[int] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])
