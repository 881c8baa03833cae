"""The floor: the reference job in plain set-based SQL, one transaction, every row written once.

What somebody would write who knows the five steps beforehand and never needs to stop between them: no claims, no
places to go on from, no failures. The triggers of the journal are on, as for everybody.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction

from benchmarks.reference_job import STEPS
from workflows.models import Workflow

LOG = "INSERT INTO workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at)"
LINE = "SELECT enrollment, %(revision)s, {visit}, '{step}', '{action}', 'success', {detail}, now()"
JOB = """
    CREATE TEMP TABLE job ON COMMIT DROP AS
    SELECT nextval('workflows_enrollment_id_seq') AS enrollment, nextval('crm_task_id_seq') AS task, id AS contact,
        lead_score > 50 AS high
    FROM crm_contact WHERE deleted_at IS NULL ORDER BY id
"""
SET_CITY = f"""
    WITH earlier AS (SELECT id, city, enrollment FROM crm_contact JOIN job ON id = contact WHERE {{high}}),
    edited AS (UPDATE crm_contact AS c SET city = '{{city}}' FROM earlier WHERE c.id = earlier.id RETURNING c.id)
    {LOG} {LINE} FROM earlier JOIN edited USING (id)
"""
CITY_TOLD = "jsonb_build_object('property', 'city', 'before', city, 'after', '{city}')"
RAISE = f"""
    WITH raised AS (
        UPDATE crm_contact SET lead_score = lead_score + 1 FROM job WHERE id = contact RETURNING enrollment, lead_score
    )
    {LOG} {LINE} FROM raised
"""
SCORE_TOLD = "jsonb_build_object('property', 'lead_score', 'by', 1, 'after', lead_score)"
MAKE_TASKS = """
    INSERT INTO crm_task (id, title, body, kind, priority, status, due_at, custom, created_at, updated_at)
    SELECT task, 'Call', '', 'todo', 'none', 'open', now() + interval '2 days', '{}', now(), now() FROM job
"""
LINK_TASKS = """
    INSERT INTO records_association (from_type, from_id, to_type, to_id, label)
    SELECT 'contact', contact, 'task', task, '' FROM job
    UNION ALL SELECT 'task', task, 'contact', contact, '' FROM job
"""
TASK_TOLD = """jsonb_build_object('task', task, 'title', 'Call', 'owner', NULL, 'due',
    to_char(now() + interval '2 days', 'YYYY-MM-DD"T"HH24:MI:SS.USOF:00'))"""
ENROLL = """
    INSERT INTO workflows_enrollment (id, workflow_id, revision_id, record_id, status, step, waiting_in, visit, tries,
        arrived_at, attempts, cause, outputs, enrolled_at, ended_at, ended_reason)
    SELECT enrollment, %(workflow)s, %(revision)s, contact, 'completed', '', '', %(steps)s, 0, now(), 0, %(cause)s,
        jsonb_build_object('task', jsonb_build_object('task', task)), now(), now(), 'completed'
    FROM job
"""


def line(statement: str, visit: int, step: str, action: str, detail: str) -> str:
    return statement.replace("{visit}", str(visit)).replace("{step}", step).replace("{action}", action).replace(
        "{detail}", detail
    )  # fmt: skip


def set_city(step: str, city: str, high: str) -> str:
    sql = line(SET_CITY, 1, step, "edit_record", CITY_TOLD)
    return sql.replace("{city}", city).replace("{high}", high)


BRANCH_TOLD = 'CASE WHEN high THEN \'{"branch": 0, "name": "High"}\'::jsonb ELSE \'{"branch": 1, "name": "Low"}\' END'
#: (id of the step as the journal keeps it, statement).
STATEMENTS = (
    ("", JOB),
    ("", "ANALYZE job"),
    ("ask", line(f"{LOG} {LINE} FROM job", 0, "ask", "branch", BRANCH_TOLD)),
    ("high", set_city("high", "Malmö", "high")),
    ("low", set_city("low", "Lund", "NOT high")),
    ("more", line(RAISE, 2, "more", "change_number", SCORE_TOLD)),
    ("task", MAKE_TASKS),
    ("task", LINK_TASKS),
    ("task", line(f"{LOG} {LINE} FROM job", 3, "task", "create_task", TASK_TOLD)),
    ("end", line(f"{LOG} {LINE} FROM job", 4, "end", "end", "'{}'")),
    ("", ENROLL),
)


def do(workflow: Workflow, cause: dict[str, Any]) -> None:
    """The whole job for every contact."""
    facts = {
        "workflow": workflow.pk, "revision": workflow.live_id, "cause": json.dumps(cause), "steps": STEPS,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('jit', 'off', true)")
        for step, statement in STATEMENTS:
            source = {"kind": "workflow", "workflow": workflow.pk, "chain": [workflow.pk], "step": step, "depth": 1}
            cursor.execute("SELECT set_config('headrace.source', %s, true)", [json.dumps(source)])
            cursor.execute(statement, facts)
