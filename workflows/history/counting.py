"""How many enrollments workflows have, for lists: exactly up to a bound, beyond it about, by PostgreSQL's statistics.

A list that counted millions for each of its rows would be as slow as they are many; pages of one workflow count.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Case, Func, IntegerField, OuterRef, QuerySet, Subquery, Value, When

from records.sql_arrays import OneOf
from workflows.models import Enrollment, Workflow

#: How far everybody who was enrolled is counted, and how far those inside now.
ENROLLED, INSIDE = 1_000, 10_000
# What ANALYZE has last seen; nothing for a workflow that has few of all enrollments.
ABOUT = """
    WITH seen AS (
        SELECT s.attname, v.value, v.share FROM pg_stats s
        CROSS JOIN LATERAL unnest(s.most_common_vals::text::text[], s.most_common_freqs) AS v (value, share)
        WHERE s.schemaname = current_schema() AND s.tablename = 'workflows_enrollment'
            AND s.attname IN ('workflow_id', 'status')
    )
    SELECT w.value::bigint, round(c.reltuples * w.share * (
        1 - COALESCE((SELECT r.share FROM seen r WHERE r.attname = 'status' AND r.value = 'refused'), 0)
    ))::bigint
    FROM seen w JOIN pg_class c ON c.oid = to_regclass('workflows_enrollment')
    WHERE w.attname = 'workflow_id' AND c.reltuples > 0
"""


class Tally(Subquery):
    """Counts the rows of a query by a condition on them; NULL where it has more than `most`."""

    template = (
        "(SELECT CASE WHEN count(*) > %(most)s THEN NULL ELSE count(*) FILTER (WHERE %(which)s) END"
        " FROM (%(subquery)s) AS counted)"
    )

    def __init__(self, rows: QuerySet[Any, Any], most: int, which: str = "true") -> None:
        super().__init__(rows[: most + 1], output_field=IntegerField(), most=most, which=which)


def with_counts(workflows: QuerySet[Workflow]) -> QuerySet[Any]:
    """Workflows with `total` and `inside`, None where there are more than the bounds, and `about` instead of `total`.

    `about` is one more than the bound where nothing is known.
    """
    # In the order of an index, of an array of one workflow: whatever the planner thinks of how many there are, no
    # other gives that order.
    mine = Enrollment.objects.filter(OneOf("workflow_id", Func(OuterRef("pk"), template="ARRAY[%(expressions)s]")))
    known = [When(pk=pk, then=Value(count)) for pk, count in about().items() if count > ENROLLED]
    return workflows.annotate(
        total=Tally(mine.order_by("workflow_id", "-pk").values("status"), ENROLLED, "counted.status <> 'refused'"),
        inside=Tally(mine.filter(status="active").order_by("workflow_id", "due_at").values("workflow_id"), INSIDE),
        about=Case(*known, default=Value(ENROLLED + 1), output_field=IntegerField()),
    )


def about() -> dict[int, int]:
    """About how many were enrolled in the workflows that have most of all enrollments."""
    with connection.cursor() as cursor:
        cursor.execute(ABOUT)
        return {workflow: rounded(count) for workflow, count in cursor.fetchall()}


def rounded(count: int) -> int:
    """To three digits, as more of them would be made up."""
    place = max(len(str(count)) - 3, 0)
    return round(count, -place)
