"""How many records match: exactly, or quickly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from records.criteria.scanning import Scan

#: What a plan may cost, in the planner's units, for an exact number to be had within about a tenth of a second.
CHEAP = 12_000
#: Rows of a table of which a sample is taken before anything else.
BIG = 100_000
#: Rows of which an estimate is made: what 250 filters leave time for within 100 ms, at an error of about 4 %
#: (measured: docs/performance.md, “250 filters over a million contacts”). No setting, because that promise decides it
#: and not the installation: a sample has as many rows however many the table has.
SAMPLE = 7_500
#: The same where values are taken out of JSON first, which costs more than comparing them: with 7,500 rows that answer
#: took 156 ms, with these 56 ms.
JSON_SAMPLE = 2_500
#: With fewer matches among them a sample says little about how many there are.
TELLING = 10
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


def count(found: Scan | QuerySet[Any]) -> int:
    """The exact number. Raises OperationalError when counting takes longer than a minute."""
    with tuned(EXACT_MS):
        return counted(found) if isinstance(found, Scan) else found.order_by().count()


def expected(scan: Scan) -> tuple[int, float]:
    """The number of rows PostgreSQL's planner expects, and what it thinks finding them costs."""
    sql, params = scan.selecting("1")
    plan = one_row(f"EXPLAIN (FORMAT JSON) {sql}", params)[0][0]["Plan"]
    return int(plan["Plan Rows"]), float(plan["Total Cost"])


def sampled(scan: Scan, rows: int) -> tuple[int, int, int]:
    """How many match of how many rows looked at, of how many there are; the same rows each time."""
    if rows <= 0:
        return 0, 0, 0
    wanted = JSON_SAMPLE if scan.reads_json else SAMPLE
    matching, looked_at = one_row(*scan.sampling(min(100 * wanted / rows, 100)))
    return matching, looked_at, rows


def one_row(sql: str, params: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()


def match_count(scan: Scan, *, exact: bool = False) -> MatchCount:
    """How many match, within about a tenth of a second: exact where that is cheap, else about.

    A number that is not exact comes from a sample of the rows, from the planner where a sample says too little. Of a
    big table the sample is taken first: planning 250 filters takes as long. `exact` takes up to a minute; where that
    is not enough the number is not exact either.
    """
    try:
        if exact:
            with tuned(EXACT_MS):
                return MatchCount(counted(scan), exact=True)
        with tuned(QUICK_MS):
            there = int(one_row("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [scan.table])[0])
            sample = sampled(scan, there) if there > BIG else None
            if sample is not None and sample[0] >= TELLING:
                return MatchCount(rounded(about(0, *sample)), exact=False)
            rows, cost = expected(scan)
            if cost <= CHEAP:
                return MatchCount(counted(scan), exact=True)
            return MatchCount(rounded(about(rows, *(sample or sampled(scan, there)))), exact=False)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != CANCELED:
            raise
        return MatchCount(rounded(expected(scan)[0]), exact=False)


def counted(scan: Scan) -> int:
    return int(one_row(*scan.selecting("count(*)"))[0])


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
