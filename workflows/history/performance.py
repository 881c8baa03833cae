"""How a workflow does: who ever entered, who is inside, how it ended, and how that went on over time (HIS-15).

Counted from the enrollments when somebody asks, within a bound of time: there is no second book of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from records.outages import cut_short
from workflows.enrollment.status_filter import met_goal
from workflows.models import Enrollment, Workflow
from workflows.times.wall_time import workflow_zone

#: How long one statement reads, at most.
PATIENCE = "10s"
#: The periods one may ask for, and how many of them are shown.
PERIODS: dict[str, tuple[str | Promise, int]] = {
    "day": (gettext_lazy("Days"), 30), "week": (gettext_lazy("Weeks"), 26), "month": (gettext_lazy("Months"), 24),
}  # fmt: skip
SUMS = """
    SELECT count(*) FILTER (WHERE status <> 'refused'), count(*) FILTER (WHERE status = 'active'),
        count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'unenrolled'),
        count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'refused')
    FROM workflows_enrollment WHERE workflow_id = %(workflow)s
"""
# A period begins at midnight of the workflow's zone; those in which nothing happened are there, too.
TREND = """
    WITH periods AS (
        SELECT n, date_trunc(%(by)s, %(now)s::timestamptz AT TIME ZONE %(zone)s) - n * ('1 ' || %(by)s)::interval AS at
        FROM generate_series(0, %(count)s - 1) AS n
    ), bounds AS (
        SELECT at, at AT TIME ZONE %(zone)s AS since, (at + ('1 ' || %(by)s)::interval) AT TIME ZONE %(zone)s AS until
        FROM periods
    ), entered AS (
        SELECT date_trunc(%(by)s, e.enrolled_at AT TIME ZONE %(zone)s) AS at, count(*) AS n
        FROM workflows_enrollment e WHERE e.workflow_id = %(workflow)s AND e.status <> 'refused'
            AND e.enrolled_at >= (SELECT min(since) FROM bounds) GROUP BY 1
    ), left_it AS (
        SELECT date_trunc(%(by)s, e.ended_at AT TIME ZONE %(zone)s) AS at,
            count(*) FILTER (WHERE e.status = 'completed') AS completed,
            count(*) FILTER (WHERE e.status = 'unenrolled') AS unenrolled,
            count(*) FILTER (WHERE e.status = 'failed') AS failed,
            count(*) FILTER (WHERE e.status = 'unenrolled' AND e.ended_reason = 'goal_met') AS met_goal
        FROM workflows_enrollment e WHERE e.workflow_id = %(workflow)s AND e.status <> 'refused'
            AND e.ended_at >= (SELECT min(since) FROM bounds) GROUP BY 1
    )
    SELECT b.since, COALESCE(entered.n, 0), COALESCE(completed, 0), COALESCE(unenrolled, 0), COALESCE(failed, 0),
        COALESCE(met_goal, 0)
    FROM bounds b LEFT JOIN entered ON entered.at = b.at LEFT JOIN left_it ON left_it.at = b.at ORDER BY b.since
"""


class TookTooLong(Exception):
    """There is too much to be counted while somebody waits."""


@dataclass(frozen=True)
class Period:
    """What happened in one day, week or month, which begins at `since`."""

    since: dt.datetime
    enrolled: int
    completed: int
    unenrolled: int
    failed: int
    met_goal: int


@dataclass(frozen=True)
class Table:
    """Figures another app adds: a heading, and rows under columns; `note` says what they are about."""

    title: str
    columns: list[str]
    rows: list[list[Any]]
    note: str = ""


@dataclass(frozen=True)
class Performance:
    """`goal_base` is how many enrollments the conversion is a part of, `goal_met` how many of them met the goal.

    Both are None where the live revision has no goal (GOL-03).
    """

    enrolled: int
    active: int
    completed: int
    unenrolled: int
    failed: int
    refused: int
    goal_base: int | None
    goal_met: int | None
    periods: list[Period]
    tables: list[Table]

    @property
    def goal_rate(self) -> float | None:
        """In percent, with one decimal; None where nobody counts."""
        return round(100 * (self.goal_met or 0) / self.goal_base, 1) if self.goal_base else None


#: Whoever knows which enrollments count for goals narrows them: only contacts that were sent a marketing email do.
counting: dict[str, Callable[[Workflow, QuerySet[Enrollment]], QuerySet[Enrollment]]] = {}
#: More figures about a workflow, by apps that have some; None for nothing to tell.
more: list[Callable[[Workflow, dt.datetime], Table | None]] = []


def performance(workflow: Workflow, by: str, now: dt.datetime) -> Performance:
    """The figures, with the trend by "day", "week" or "month". Raises TookTooLong."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
            cursor.execute(SUMS, {"workflow": workflow.pk})
            enrolled, active, completed, unenrolled, failed, refused = cursor.fetchone()
            facts: dict[str, Any] = {
                "workflow": workflow.pk, "by": by, "count": PERIODS[by][1], "now": now, "zone": zone_of(workflow).key,
            }  # fmt: skip
            cursor.execute(TREND, facts)
            periods = [Period(*row) for row in cursor.fetchall()]
            base, met = goal(workflow)
            tables = [table for table in (part(workflow, now) for part in more) if table is not None]
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError as error:
        if not cut_short(error):
            raise
        raise TookTooLong from error
    return Performance(enrolled, active, completed, unenrolled, failed, refused, base, met, periods, tables)


def zone_of(workflow: Workflow) -> ZoneInfo:
    settings = (workflow.live.definition.get("settings") or {}) if workflow.live else {}
    return workflow_zone(settings)


def goal(workflow: Workflow) -> tuple[int | None, int | None]:
    """Of how many enrollments how many met the goal, inside or after completing; others who left do not (GOL-03)."""
    if workflow.live is None or not workflow.live.definition.get("goal"):
        return None, None
    counted = Enrollment.objects.filter(workflow=workflow).exclude(status=Enrollment.Status.REFUSED)
    narrow = counting.get(workflow.object_type)
    if narrow is not None:
        counted = narrow(workflow, counted)
    return counted.count(), met_goal(counted).count()
