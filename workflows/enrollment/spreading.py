"""Enrolling what is associated with records, each in a workflow of its own object type, in one statement."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from records.associations import AssociationType, holder, linked, rows_of
from records.object_types import ObjectType
from workflows import doorbell
from workflows.enrollment.doors import LOOP, closed_because, required_segments, runs_away
from workflows.enrollment.enrolling import consequential, entered, insertion, live_definition, locked
from workflows.enrollment.reenrolling import allowed
from workflows.models import Workflow

#: Associated records of one record that are enrolled at most.
LIMIT = 1_000
# Of each record the first ones by id; what several records share is enrolled for the first of them. What is not
# enrolled is counted, because the history says so.
SPREAD = """
    WITH asked AS (
        SELECT * FROM jsonb_to_recordset(%(asked)s::jsonb) AS a (record_id bigint, enrollment bigint, cause jsonb)
    ), linked AS MATERIALIZED (
        SELECT asked.enrollment, asked.cause, link.other,
            row_number() OVER (PARTITION BY asked.enrollment ORDER BY link.other) AS place
        FROM asked
        JOIN (SELECT DISTINCT one, other FROM ({links}) AS l (one, other)) AS link ON link.one = asked.record_id
        JOIN {table} AS record ON record.{key} = link.other {live}
    ), made AS (
        {enroll}, (cause ->> 'enrollment')::bigint AS enrollment
    ), counted AS (
        SELECT enrollment, count(*) AS enrolled FROM made GROUP BY enrollment
    )
    SELECT enrollment, min(coalesce(counted.enrolled, 0)), count(*) FILTER (WHERE place <= %(limit)s), count(*)
    FROM linked LEFT JOIN counted USING (enrollment) GROUP BY enrollment
"""
#: The records enrolled, for a workflow from whose enrollments something follows.
WHICH = " UNION ALL SELECT NULL, record_id, 0, 0 FROM made"
# Right after an import the planner knows nothing of the tables and expects a row where there are ten thousand: then it
# would join each with each. Where there are many links it may not.
FEW = 500
PLAN = """
    SELECT set_config('enable_nestloop', CASE WHEN count(*) > %(few)s THEN 'off' ELSE 'on' END, true)
    FROM (SELECT FROM ({links}) AS l LIMIT %(few)s + 1) AS some_links
"""
CANDIDATES = """(
    SELECT DISTINCT ON (other) other, cause, %(again)s::boolean FROM linked
    WHERE place <= %(limit)s AND (%(segments)s::bigint[] IS NULL OR EXISTS (
        SELECT FROM records_membership m WHERE m.segment_id = ANY(%(segments)s) AND m.record_id = linked.other
    ))
    ORDER BY other, enrollment
) AS candidate (record_id, cause, again)"""


@dataclass(frozen=True)
class Spread:
    """Of one record's associated records: how many were enrolled, refused, and left out as above the limit."""

    enrolled: int = 0
    refused: int = 0
    left_out: int = 0


def enroll_associated(
    workflow: Workflow,
    from_type: ObjectType,
    association: AssociationType,
    causes: dict[int, dict[str, Any]],
    *,
    label: str | None,
    limit: int,
    now: dt.datetime,
) -> dict[int, Spread] | str:
    """Enroll the live records associated with others, `limit` for each; or why nobody may enter (an enrolling code).

    `causes` are those of the new enrollments by the id of the record they are associated with; each names the
    enrollment it comes from. The answer is by that enrollment's id, without those that have no associated records.
    """
    with transaction.atomic():
        workflow = locked(workflow)
        refusal = closed_because(workflow) or (
            LOOP if any(runs_away(workflow, one) for one in causes.values()) else ""
        )
        if refusal:
            return refusal
        asked = [{"record_id": pk, "enrollment": one["enrollment"], "cause": one} for pk, one in causes.items()]
        sql, facts = insertion(workflow, CANDIDATES, now)
        links, values = named(links_of(from_type, association, causes, label))
        kind = association.to
        facts |= values | {
            "asked": json.dumps(asked),
            "limit": limit,
            "again": allowed(live_definition(workflow)),
            "segments": required_segments(workflow),
        }
        statement = SPREAD.format(
            links=links,
            table=connection.ops.quote_name(kind.table),
            key=connection.ops.quote_name(kind.key),
            live="AND record.deleted_at IS NULL" if kind.soft_deletes else "",
            enroll=sql,
        )
        with connection.cursor() as cursor:
            cursor.execute(PLAN.format(links=links), values | {"few": FEW})
            cursor.execute(statement + (WHICH if consequential(workflow) else ""), facts)
            rows = cursor.fetchall()
            cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
        found = {row[0]: Spread(row[1], row[2] - row[1], row[3] - row[2]) for row in rows if row[0] is not None}
        entered(workflow, [row[1] for row in rows if row[0] is None], now)
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return found


def links_of(
    from_type: ObjectType, association: AssociationType, ids: Iterable[int], label: str | None
) -> QuerySet[Any, Any]:
    """The links of records as pairs of ids."""
    if association.relation:
        table, here, there, _links_only = holder(from_type, association.relation)
        return linked(table, here, there, ids).order_by()
    rows = rows_of(from_type, association.to, label).filter(from_id__in=list(ids))
    return rows.order_by().values_list("from_id", "to_id")


def named(query: QuerySet[Any, Any]) -> tuple[str, dict[str, Any]]:
    """A query's SQL with names for its placeholders, and their values."""
    sql, params = query.query.sql_with_params()
    names = {f"link{i}": value for i, value in enumerate(params)}
    return sql.replace("%s", "{}").format(*(f"%({name})s" for name in names)), names
