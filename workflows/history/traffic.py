"""How many records stand on each step of a workflow, and how many have passed or failed there since an instant.

All versions count together, because steps keep their ids. Read from the log when somebody looks: one statement for
those who are there, one for those who came by, whatever the size of the workflow.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy

from records.outages import cut_short
from workflows.lifecycle.following import standing
from workflows.models import Workflow

#: How long the log is read, at most.
PATIENCE = "10s"
#: What one may ask for; None is everything the log still holds.
PERIODS = {
    "day": (gettext_lazy("Last 24 hours"), dt.timedelta(days=1)),
    "week": (gettext_lazy("Last 7 days"), dt.timedelta(days=7)),
    "month": (gettext_lazy("Last 30 days"), dt.timedelta(days=30)),
    "all": (gettext_lazy("All time"), None),
}
#: The way of a record that was at no branching, and of one that no branch took.
NO_WAY, NONE_TAKEN = "", "-1"
SINCE = """
    SELECT x.step, x.outcome = 'failed', COALESCE(x.detail ->> 'branch', ''), count(DISTINCT x.enrollment_id)
    FROM workflows_enrollment e JOIN workflows_stepexecution x ON x.enrollment_id = e.id
    WHERE e.workflow_id = %(workflow)s AND x.outcome IN ('success', 'skipped', 'failed') {since}
    GROUP BY 1, 2, 3
"""
BEGUN = "AND x.at >= %(since)s AND (e.ended_at IS NULL OR e.ended_at >= %(since)s)"


class TookTooLong(Exception):
    """The log is too long to be counted while somebody waits."""


@dataclass
class Passing:
    """Records by step id; `ways` by step id and the number of the branch they took (-1 for none)."""

    passed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    ways: dict[str, Counter[int]] = field(default_factory=dict)


def begin(period: str, now: dt.datetime) -> dt.datetime | None:
    """When a period began; None for all time."""
    span = PERIODS[period][1]
    return now - span if span else None


def here(workflow: Workflow) -> Counter[str]:
    """How many records stand on each step now, on any version."""
    found = Counter[str]()
    for place in standing(workflow):
        found[place.step] += place.count
    return found


def since(workflow: Workflow, start: dt.datetime | None) -> Passing:
    """Who has passed and who has failed, by step, since an instant (None: ever). Raises TookTooLong."""
    found = Passing()
    for step, failed, way, count in rows(workflow, start):
        (found.failed if failed else found.passed)[step] += count
        if way != NO_WAY and not failed:
            found.ways.setdefault(step, Counter())[int(way)] += count
    return found


def rows(workflow: Workflow, start: dt.datetime | None) -> list[tuple[str, bool, str, int]]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
            cursor.execute(SINCE.format(since=BEGUN if start else ""), {"workflow": workflow.pk, "since": start})
            return cursor.fetchall()
    except OperationalError as error:
        if not cut_short(error):
            raise
        raise TookTooLong from error
