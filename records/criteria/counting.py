"""How many records match: exactly, or quickly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

#: Above this many rows in the plan's estimate a quick count is not even tried.
EXACT_UP_TO = 500_000
QUICK_MS = 1_500
EXACT_MS = 60_000
CANCELED = "57014"


@dataclass(frozen=True)
class MatchCount:
    number: int
    exact: bool


@contextmanager
def tuned(timeout_ms: int) -> Iterator[None]:
    """No just-in-time compilation (seconds lost on 250 filters), and a time limit; both for this block only."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('jit'), current_setting('statement_timeout'), "
            "set_config('jit', 'off', true), set_config('statement_timeout', %s, true)",
            [str(timeout_ms)],
        )
        jit, timeout = cursor.fetchone()[:2]
        yield
        cursor.execute("SELECT set_config('jit', %s, true), set_config('statement_timeout', %s, true)", [jit, timeout])


def count(records: QuerySet[Any]) -> int:
    """The exact number. Raises OperationalError when counting takes longer than a minute."""
    with tuned(EXACT_MS):
        return records.order_by().count()


def estimate(records: QuerySet[Any]) -> int:
    """The number of rows PostgreSQL's planner expects."""
    sql, params = records.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        return int(cursor.fetchone()[0][0]["Plan"]["Plan Rows"])


def match_count(records: QuerySet[Any]) -> MatchCount:
    """The exact number where it is to be had within a moment, else the planner's estimate."""
    expected = estimate(records)
    if expected > EXACT_UP_TO:
        return MatchCount(expected, exact=False)
    try:
        with tuned(QUICK_MS):
            return MatchCount(records.order_by().count(), exact=True)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != CANCELED:
            raise
        return MatchCount(expected, exact=False)
