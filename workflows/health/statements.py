"""The statements of the search for what is stuck: each gives workflow (or NULL), how many, and the first few ids."""

from __future__ import annotations

# Finds the enrollments of each workflow in question through the index of its due ones.
BY_WORKFLOW = """
    SELECT w.id, found.count, found.ids FROM workflows_workflow w CROSS JOIN LATERAL (
        SELECT count(*) AS count, (array_agg(front.id))[:%(named)s] AS ids FROM (
            SELECT e.id FROM workflows_enrollment e
            WHERE e.status = 'active' AND e.workflow_id = w.id AND {enrollments} LIMIT %(cap)s
        ) front
    ) found
    WHERE {workflows} AND found.count > 0
"""
LOST = BY_WORKFLOW.format(
    workflows="true",
    enrollments="""e.due_at IS NULL
        AND NOT EXISTS (
            SELECT FROM workflows_eventwait t
            WHERE t.enrollment_id = e.id AND t.step = e.step AND t.happened_at IS NULL
        )
        AND NOT EXISTS (
            SELECT FROM workflows_delivery d WHERE d.enrollment_id = e.id AND d.state IN ('pending', 'sending')
        )
        AND NOT EXISTS (
            SELECT FROM workflows_coderun r
            WHERE r.enrollment_id = e.id AND r.step = e.step AND r.visit = e.visit AND r.due_at IS NOT NULL
        )""",
)
LATE = BY_WORKFLOW.format(
    workflows="""w.status <> 'paused' AND NOT EXISTS (
        SELECT FROM workflows_tally t WHERE t.workflow_id = w.id AND t.minute > %(now)s - %(grace)s
    )""",
    enrollments="e.due_at < %(now)s - %(patience)s AND (e.claimed_until IS NULL OR e.claimed_until < %(now)s)",
)
LEASE = BY_WORKFLOW.format(
    workflows="w.status <> 'paused'",
    enrollments="e.due_at <= %(now)s AND e.claim IS NOT NULL AND e.claimed_until < %(now)s - %(grace)s",
)
STEP_GONE = """
    WITH RECURSIVE places AS (
        (
            SELECT revision_id, step FROM workflows_enrollment WHERE status = 'active'
            ORDER BY revision_id, step LIMIT 1
        )
        UNION ALL
        SELECT next.revision_id, next.step FROM places CROSS JOIN LATERAL (
            SELECT e.revision_id, e.step FROM workflows_enrollment e
            WHERE e.status = 'active' AND (e.revision_id, e.step) > (places.revision_id, places.step)
            ORDER BY e.revision_id, e.step LIMIT 1
        ) next
    ), gone AS (
        SELECT r.workflow_id, p.revision_id, p.step
        FROM (SELECT * FROM places WHERE step <> '' LIMIT %(cap)s) p JOIN workflows_revision r ON r.id = p.revision_id
        WHERE NOT jsonb_path_exists(r.definition, '$.**.id ? (@ == $step)', jsonb_build_object('step', p.step))
    )
    SELECT gone.workflow_id, count(*), (array_agg(e.id))[:%(named)s] FROM gone CROSS JOIN LATERAL (
        SELECT e.id FROM workflows_enrollment e
        WHERE e.status = 'active' AND e.revision_id = gone.revision_id AND e.step = gone.step LIMIT %(cap)s
    ) e GROUP BY gone.workflow_id
"""
ENDED = """
    SELECT workflow_id, count(*), (array_agg(id))[:%(named)s] FROM (
        SELECT id, workflow_id FROM workflows_enrollment WHERE NOT status = 'active' AND due_at IS NOT NULL
        LIMIT %(cap)s
    ) found GROUP BY workflow_id
"""
DELIVERIES = """
    SELECT e.workflow_id, count(*), (array_agg(found.id))[:%(named)s] FROM (
        SELECT d.id, d.enrollment_id FROM workflows_delivery d WHERE {deliveries} LIMIT %(cap)s
    ) found LEFT JOIN workflows_enrollment e ON e.id = found.enrollment_id GROUP BY e.workflow_id
"""
SENDING = DELIVERIES.format(deliveries="d.state = 'sending' AND d.claimed_until < %(now)s - %(grace)s")
UNSENT = DELIVERIES.format(
    deliveries="""d.state = 'pending' AND d.due_at < %(now)s - %(patience)s AND NOT EXISTS (
        SELECT FROM workflows_allowance a WHERE a.scope = 'delivery:' || d.kind AND a.full_until > %(now)s
            OR d.kind = 'webhook' AND a.scope IN ('delivery:webhook', 'lane:' || d.lane)
                AND a.full_until > %(now)s - %(grace)s
    )"""
)
CODE = """
    SELECT workflow_id, count(*), (array_agg(enrollment_id))[:%(named)s] FROM (
        SELECT workflow_id, enrollment_id FROM workflows_coderun WHERE due_at < %(now)s - %(patience)s LIMIT %(cap)s
    ) front GROUP BY workflow_id
"""
# The front of a queue, by the index it is taken out by.
QUEUE = """
    SELECT NULL::bigint, count(*), (array_agg(id))[:%(named)s] FROM (
        SELECT id, {since} AS since FROM {table} WHERE {which} ORDER BY id LIMIT %(cap)s
    ) first WHERE since < %(now)s - %(grace)s HAVING count(*) > 0
"""
CHANGES = QUEUE.format(table="records_pendingchange", since="at", which="true")
EVENTS = QUEUE.format(table="records_pendingevent", since="at", which="true")
REQUESTS = QUEUE.format(table="workflows_webhookrequest", since="received_at", which="outcome = 'waiting'")
SEGMENTS = """
    SELECT NULL::bigint, count(*), (array_agg(id))[:%(named)s] FROM records_segment
    WHERE active AND time_sensitive AND (check_at IS NULL OR check_at <= %(now)s - %(grace)s)
    HAVING count(*) > 0
"""
STILL_ON = """
    SELECT id, 1, ARRAY[id] FROM workflows_workflow
    WHERE deleted_at IS NULL AND status IN ('on', 'paused') AND turn_off_at < %(now)s - %(grace)s
"""
STILL_DRAINING = """
    SELECT w.id, 1, ARRAY[w.id] FROM workflows_workflow w
    WHERE w.status = 'draining' AND w.updated_at < %(now)s - %(patience)s
        AND NOT EXISTS (SELECT FROM workflows_enrollment e WHERE e.workflow_id = w.id AND e.status = 'active')
"""
# Who owns a segment is who has it for their own trigger, goal or unenrollment; a list stands on its own.
HINDERED = """
    SELECT found.workflow, sum(found.aside)::bigint, (array_agg(found.id))[:%(named)s] FROM (
        SELECT h.id, COALESCE(h.workflow_id, (
            SELECT r.workflow_id FROM workflows_subscription s JOIN workflows_revision r ON r.id = s.revision_id
            WHERE s.segment_id = h.segment_id AND s.purpose <> 'suppression' ORDER BY s.id LIMIT 1
        )) AS workflow, (
            SELECT count(*) FROM (SELECT FROM workflows_setaside a WHERE a.hindrance_id = h.id LIMIT %(cap)s) capped
        ) AS aside
        FROM workflows_hindrance h ORDER BY h.id LIMIT %(cap)s
    ) found GROUP BY found.workflow
"""
SCHEDULES = """
    SELECT s.workflow_id, count(*), (array_agg(s.id))[:%(named)s] FROM (
        SELECT workflow_id, id FROM workflows_schedule WHERE again_at IS NOT NULL
        UNION ALL
        SELECT s.workflow_id, r.id FROM workflows_schedulerun r JOIN workflows_schedule s ON s.id = r.schedule_id
        WHERE r.state = 'running' AND r.again_at IS NOT NULL
    ) s GROUP BY s.workflow_id
"""
