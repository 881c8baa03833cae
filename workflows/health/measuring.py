"""How the engine is doing, in numbers: for the metrics and the health page. Capped and limited in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from workflows import doorbell
from workflows.engine.tallying import EPOCH
from workflows.models import Tally

#: Nothing is counted further than this, neither in one workflow nor in one queue.
CAP = 100_000
WORKFLOWS = 1_000
STATEMENT_TIMEOUT = "3s"
Result = TypeVar("Result")

WHOLE = """
    SELECT w.id, w.name, w.status, due.oldest, due.count, active.count, stopped.count
    FROM workflows_workflow w
    CROSS JOIN LATERAL (
        SELECT min(due_at) AS oldest, count(*) AS count FROM (
            SELECT due_at FROM workflows_enrollment
            WHERE workflow_id = w.id AND status = 'active' AND due_at <= %(now)s ORDER BY due_at LIMIT %(cap)s
        ) front
    ) due
    CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM (
            SELECT FROM workflows_enrollment WHERE workflow_id = w.id AND status = 'active' LIMIT %(cap)s
        ) capped
    ) active
    CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM (
            SELECT FROM workflows_enrollment
            WHERE workflow_id = w.id AND status = 'failed' AND NOT step = '' LIMIT %(cap)s
        ) capped
    ) stopped
    LEFT JOIN workflows_revision r ON r.id = w.live_id
    WHERE w.deleted_at IS NULL AND {which} ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s
"""
MEASURED = "r.definition -> 'settings' ->> 'metrics' IS DISTINCT FROM 'false'"
DELIVERIES = " UNION ALL ".join(
    f"SELECT '{state}', count(*) FROM (SELECT FROM workflows_delivery WHERE state = '{state}' LIMIT %(cap)s) capped"
    for state in ("pending", "sending", "dead", "uncertain")
)
CHANGES = """
    SELECT count(*), (SELECT at FROM records_pendingchange ORDER BY id LIMIT 1)
    FROM (SELECT FROM records_pendingchange LIMIT %(cap)s) capped
"""
EVENTS = CHANGES.replace("records_pendingchange", "records_pendingevent")
DATABASE = "SELECT current_setting('server_version'), pg_database_size(current_database()), statement_timestamp()"


@dataclass(frozen=True)
class Measured:
    """One workflow: how many records are due since when, inside, and stopped by an error (each at most CAP)."""

    id: int
    name: str
    status: str
    oldest: dt.datetime | None
    due: int
    active: int
    stopped: int

    @property
    def waiting(self) -> int:
        return max(self.active - self.due, 0)

    def lag(self, now: dt.datetime) -> dt.timedelta:
        """How long the longest waiting record has been due; paused workflows have no lag."""
        if self.oldest is None or self.status == "paused":
            return dt.timedelta()
        return max(now - self.oldest, dt.timedelta())


def workflows(now: dt.datetime, *, running: bool = False, limit: int = WORKFLOWS, offset: int = 0) -> list[Measured]:
    """The workflows with their numbers: all that want to be measured, or (`running`) those not off, latest first."""
    which, order = ("w.status <> 'off'", "due.oldest, w.id") if running else (MEASURED, "w.id")
    facts = {"now": now, "cap": CAP, "limit": limit, "offset": offset}
    return [Measured(*row) for row in rows(WHOLE.format(which=which, order=order), facts)]


def deliveries() -> dict[str, int]:
    """Deliveries that are not over, by state."""
    return dict(rows(DELIVERIES, {"cap": CAP}))


def changes() -> tuple[int, dt.datetime | None]:
    """How many changes wait, and since when the oldest has."""
    [(count, oldest)] = rows(CHANGES, {"cap": CAP})
    return count, oldest


def events() -> tuple[int, dt.datetime | None]:
    """How many events wait, and since when the oldest has."""
    [(count, oldest)] = rows(EVENTS, {"cap": CAP})
    return count, oldest


def database() -> tuple[str, int]:
    """PostgreSQL's version, and the size of the database in bytes."""
    [(version, size, _now)] = rows(DATABASE, {})
    return version, size


def steps_done() -> list[tuple[int, str, int]]:
    """Steps ever counted: workflow, outcome, how many."""
    return list(Tally.objects.filter(minute=EPOCH).values_list("workflow", "outcome", "steps")[: WORKFLOWS * 5])


def steps_since(since: dt.datetime, workflows: list[int]) -> dict[int, int]:
    """Steps by workflow since an instant; waiting is not counted as one."""
    found = Tally.objects.filter(minute__gte=since, workflow__in=workflows).exclude(outcome="waiting")
    return dict(found.values_list("workflow").annotate(steps=Sum("steps")))


def redis_answers() -> bool:
    """Whether Redis is there, at once; a project without one has none."""
    if not getattr(settings, "REDIS_URL", ""):
        return False
    try:
        return bool(doorbell.client().ping())
    except (redis.RedisError, OSError):
        return False


def rows(sql: str, facts: dict[str, Any]) -> list[Any]:
    """Ask for at most STATEMENT_TIMEOUT. Raises OperationalError when that is not enough."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT])
        cursor.execute(sql, facts)
        return cursor.fetchall()


def in_time(ask: Callable[[], Result]) -> Result | None:
    """The answer, or None when the database did not give it in time."""
    try:
        return ask()
    except OperationalError:
        if not connection.is_usable():
            raise
        return None
