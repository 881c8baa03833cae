"""How many records match: exactly, or quickly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

#: What a plan may cost, in the planner's units, for an exact number to be had within about a tenth of a second.
CHEAP = 12_000
#: Rows of a table of which a sample is taken before anything else.
BIG = 100_000
#: Rows an estimate looks at.
SAMPLE = 10_000
#: With fewer matches among them a sample says little about how many there are.
TELLING = 10
QUICK_MS = 1_500
EXACT_MS = 60_000
CANCELED = "57014"


SQL = tuple[str, tuple[Any, ...]]


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


def statement(records: QuerySet[Any]) -> SQL:
    """The ids of the records, as SQL: made once, as making it of 250 filters takes longer than much it is used for."""
    sql, params = records.order_by().values("pk").query.sql_with_params()
    return sql, tuple(params)


def expected(found: SQL) -> tuple[int, float]:
    """The number of rows PostgreSQL's planner expects, and what it thinks finding them costs."""
    plan = one_row(f"EXPLAIN (FORMAT JSON) {found[0]}", found[1])[0][0]["Plan"]
    return int(plan["Plan Rows"]), float(plan["Total Cost"])


def sampled(found: SQL, table: str, rows: int) -> tuple[int, int, int]:
    """How many match of how many rows looked at, of how many there are; the same rows each time.

    Whole pages are taken, so the database reads few of them, wherever the records are.
    """
    if rows <= 0:
        return 0, 0, 0
    head, _from, tail = found[0].partition(f" FROM {table}")
    part = f" FROM {table} TABLESAMPLE SYSTEM ({min(100 * SAMPLE / rows, 100):.6f}) REPEATABLE (1)"
    matching, looked_at = one_row(
        f"SELECT (SELECT count(*) FROM ({head}{part}{tail}) AS found), count(*){part}", found[1]
    )
    return matching, looked_at, rows


def one_row(sql: str, params: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()


def match_count(records: QuerySet[Any], *, exact: bool = False) -> MatchCount:
    """How many match, within about a tenth of a second: exact where that is cheap, else about.

    A number that is not exact comes from a sample of the rows, from the planner where a sample says too little. Of a
    big table the sample is taken first: planning 250 filters takes as long. `exact` takes up to a minute; where that
    is not enough the number is not exact either.
    """
    found, table = statement(records), connection.ops.quote_name(records.model._meta.db_table)
    there = int(one_row("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table])[0])
    try:
        if exact:
            with tuned(EXACT_MS):
                return MatchCount(counted(found), exact=True)
        with tuned(QUICK_MS):
            sample = sampled(found, table, there) if there > BIG else None
            if sample is not None and sample[0] >= TELLING:
                return MatchCount(rounded(about(0, *sample)), exact=False)
            rows, cost = expected(found)
            if cost <= CHEAP:
                return MatchCount(counted(found), exact=True)
            return MatchCount(rounded(about(rows, *(sample or sampled(found, table, there)))), exact=False)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != CANCELED:
            raise
        return MatchCount(rounded(expected(found)[0]), exact=False)


def counted(found: SQL) -> int:
    return int(one_row(f"SELECT count(*) FROM ({found[0]}) AS found", found[1])[0])


def about(rows: int, matching: int, looked_at: int, there: int) -> int:
    """The number a sample stands for; what the planner expects where few match, if the sample does not speak against
    it."""
    if not looked_at:
        return rows
    if matching < TELLING:
        return min(rows, round((matching + 3) / looked_at * there))
    return round(matching / looked_at * there)


def rounded(number: int) -> int:
    """Two significant digits: more would promise what an estimate does not keep."""
    unit = 10 ** max(len(str(number)) - 2, 0)
    return round(number / unit) * unit
