"""What must be true of a database whatever has happened to it, each as a query that finds who breaks it."""

from __future__ import annotations

from django.db import connection

PROMISES = {
    "An active enrollment stands on a step and is due, now or later, or waits there for an event.": """
        SELECT e.id FROM workflows_enrollment e LEFT JOIN workflows_eventwait w ON w.enrollment_id = e.id
            AND (w.step, w.visit) = (e.step, e.visit) AND w.happened_at IS NULL
        WHERE e.status = 'active' AND (e.step = '' OR e.due_at IS NULL AND w.enrollment_id IS NULL)
    """,
    "Who waits for an event is active and stands where the wait is.": """
        SELECT w.enrollment_id FROM workflows_eventwait w LEFT JOIN workflows_enrollment e ON e.id = w.enrollment_id
            AND e.status = 'active' AND (w.step, w.visit) = (e.step, e.visit)
        WHERE e.id IS NULL
    """,
    "An enrollment that is not active has ended, is never due, and nobody's; it stands nowhere unless it failed.": """
        SELECT id FROM workflows_enrollment
        WHERE status <> 'active' AND (ended_at IS NULL OR due_at IS NOT NULL OR claim IS NOT NULL
            OR step <> '' AND status <> 'failed')
    """,
    "A record is in a workflow once.": """
        SELECT min(id) FROM workflows_enrollment WHERE status = 'active'
        GROUP BY workflow_id, record_id HAVING count(*) > 1
    """,
    "A claim has a lease.": """
        SELECT id FROM workflows_enrollment WHERE claim IS NOT NULL AND claimed_until IS NULL
    """,
    "Nobody is inside a deleted workflow.": """
        SELECT e.id FROM workflows_enrollment e JOIN workflows_workflow w ON w.id = e.workflow_id
        WHERE e.status = 'active' AND w.deleted_at IS NOT NULL
    """,
    "An active enrollment stands on a step its revision has, or waits to be told that it is gone.": """
        SELECT e.id FROM workflows_enrollment e JOIN workflows_revision r ON r.id = e.revision_id
        WHERE e.status = 'active' AND e.due_at > clock_timestamp()
            AND NOT jsonb_path_exists(r.definition, '$.**.id ? (@ == $step)', jsonb_build_object('step', e.step))
    """,
    "A step is taken once at each visit.": """
        SELECT enrollment_id FROM workflows_stepexecution WHERE outcome NOT IN ('waiting', 'retrying')
        GROUP BY enrollment_id, visit HAVING count(*) > 1
    """,
    "Visits are counted from 0 without a gap.": """
        SELECT enrollment_id FROM workflows_stepexecution WHERE outcome NOT IN ('waiting', 'retrying')
        GROUP BY enrollment_id HAVING count(DISTINCT visit) <> max(visit) + 1
    """,
    "Each further try is announced once.": """
        SELECT enrollment_id FROM workflows_stepexecution WHERE outcome = 'retrying'
        GROUP BY enrollment_id, visit, detail -> 'try' HAVING count(*) > 1
    """,
    "Nothing is logged for a visit the enrollment has not come to.": """
        SELECT e.id FROM workflows_enrollment e JOIN workflows_stepexecution l ON l.enrollment_id = e.id
        WHERE l.visit > e.visit
    """,
    "A delivery being sent has a sender's lease, and one that is done has a time.": """
        SELECT id FROM workflows_delivery
        WHERE state = 'sending' AND (claim IS NULL OR claimed_until IS NULL) OR state = 'done' AND done_at IS NULL
    """,
    "A workflow that is on has a live, published revision.": """
        SELECT w.id FROM workflows_workflow w LEFT JOIN workflows_revision r ON r.id = w.live_id
        WHERE w.status = 'on' AND r.published_at IS NULL
    """,
}


def broken_promises() -> dict[str, list[int]]:
    """The promises that do not hold, with the ids of up to ten rows that break them."""
    found = {}
    with connection.cursor() as cursor:
        for promise, query in PROMISES.items():
            cursor.execute(f"{query} LIMIT 10")
            if ids := [row[0] for row in cursor.fetchall()]:
                found[promise] = ids
    return found
