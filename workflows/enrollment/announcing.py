"""Saying that enrollments began or ended, to those whose criteria ask for it (FLT-34).

Segments whose criteria ask for a workflow's status are looked at again when it changes, like those that ask for a
property: through the queue of changes, in the transaction that changes it. While no criteria ask, that costs one look
into an index.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from records.models import ChangeKind
from records.sql_arrays import array
from workflows.models import Workflow

#: Names under which criteria depend on the status in a workflow, and in any workflow; no property has a colon.
PREFIX, ANY = "workflow:", "workflow:any"

# The first condition does not depend on the rows, so that nothing else is asked while no criteria ask. What follows is
# one workflow deeper in the causal chain, as if the workflow had changed the record.
ANNOUNCE = """
    WITH told AS (
        INSERT INTO records_pendingchange (change_id, object_type, record_id, kind, properties, source, depth, at)
        SELECT 0, w.object_type, e.record_id, %(kind)s, ARRAY[%(prefix)s || w.id, %(any)s],
            jsonb_build_object('kind', 'workflow', 'workflow', w.id,
                'chain', COALESCE(e.cause -> 'chain', '[]'::jsonb) || to_jsonb(w.id)),
            LEAST(COALESCE((e.cause ->> 'depth')::int, 0) + 1, 32000), clock_timestamp()
        FROM workflows_enrollment e JOIN workflows_workflow w ON w.id = e.workflow_id
        WHERE EXISTS (SELECT FROM records_segmentdependency WHERE property >= %(prefix)s AND property < %(beyond)s)
            AND {these} AND EXISTS (
                SELECT FROM records_segmentdependency d
                WHERE d.object_type = w.object_type AND d.property IN (%(prefix)s || w.id, %(any)s)
            )
        ORDER BY e.id
        RETURNING id
    )
    SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify('headrace_changes', 'workflow') END FROM told
"""


ASKED = """
    SELECT EXISTS (
        SELECT FROM records_segmentdependency WHERE object_type = %s AND property IN (%s, %s)
    )
"""


def asked(workflow: Workflow) -> bool:
    """Whether any criteria ask for the status in a workflow."""
    with connection.cursor() as cursor:
        cursor.execute(ASKED, [workflow.object_type, f"{PREFIX}{workflow.pk}", ANY])
        return bool(cursor.fetchone()[0])


def announce(enrollments: QuerySet[Any, Any] | Iterable[int]) -> int:
    """Queue the records of these enrollments, given by id, for criteria that ask; how many were queued."""
    if not isinstance(enrollments, QuerySet):
        return queue("e.id = ANY(%(ids)s::bigint[])", {"ids": array(enrollments)})
    try:
        sql, params = enrollments.order_by().query.sql_with_params()
    except EmptyResultSet:
        # Their conditions cannot be met, as `none()` or an empty list of ids: Django makes no statement of them.
        return 0
    names = {f"e{i}": value for i, value in enumerate(params)}
    return queue("e.id IN (" + sql.replace("%s", "{}").format(*(f"%({name})s" for name in names)) + ")", names)


def announce_enrolled(workflow: Workflow, record_ids: Iterable[int]) -> int:
    """Like `announce`, for records that were just enrolled in a workflow."""
    if not asked(workflow):
        return 0
    facts = {"workflow": workflow.pk, "ids": array(record_ids)}
    return queue(
        "e.workflow_id = %(workflow)s AND e.record_id = ANY(%(ids)s::bigint[]) AND e.status <> 'refused'", facts
    )


def queue(these: str, facts: dict[str, Any]) -> int:
    common = {"kind": ChangeKind.UPDATED.value, "prefix": PREFIX, "any": ANY, "beyond": PREFIX[:-1] + ";"}
    with connection.cursor() as cursor:
        cursor.execute(ANNOUNCE.format(these=these), common | facts)
        return int(cursor.fetchone()[0])
