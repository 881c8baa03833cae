"""The reference job: contacts through a branch, a property set, a number raised, a task made, the end.

Whoever does it leaves the same rows: five log lines, two journaled changes of the contact, a task with its journaled
change and both directions of its association with theirs, and the enrollment. `written()` sums them up for
comparison.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from records.clock import database_now
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow

HIGH = {"any": [{"all": [{"property": "lead_score", "operator": "is_greater_than", "value": 50}]}]}
DEFINITION: dict[str, Any] = {
    "format": 1,
    "name": "Five steps",
    "object": "contact",
    "trigger": {"kind": "manual"},
    "steps": [
        {"id": "ask", "action": "branch", "params": {}, "branches": [
            {"name": "High", "criteria": HIGH, "steps": [
                {"id": "high", "action": "edit_record", "params": {"property": "city", "value": "Malmö"}}]},
            {"name": "Low", "steps": [
                {"id": "low", "action": "edit_record", "params": {"property": "city", "value": "Lund"}}]},
        ]},
        {"id": "more", "action": "change_number", "params": {"property": "lead_score", "by": 1}},
        {"id": "task", "action": "create_task", "params": {"title": "Call", "due": {"days": 2}}},
        {"id": "end", "action": "end", "params": {}},
    ],
}  # fmt: skip
STEPS = 5
FILL = """
    INSERT INTO crm_contact (email, city, lead_score, first_name, last_name)
    SELECT 'c' || n || '@example.com', 'Nowhere', mod(n, 100), 'F' || n, 'L' || n FROM generate_series(1, %s) AS n
"""
TABLES = (
    "crm_contact", "crm_task", "records_association", "records_change", "records_pendingchange",
    "workflows_enrollment", "workflows_stepexecution",
)  # fmt: skip
# Ids are left out where they depend on who was first; what they lead to is compared instead.
WRITTEN = {
    "contacts": "SELECT id, city, lead_score FROM crm_contact",
    "tasks": "SELECT title, body, kind, priority, status, owner_id, custom, due_at - created_at FROM crm_task",
    "associations": """
        SELECT from_type, to_type, label, CASE from_type WHEN 'contact' THEN from_id ELSE to_id END
        FROM records_association""",
    "changes": """
        SELECT object_type, kind, CASE object_type WHEN 'task' THEN 0 ELSE record_id END, before - 'due_at',
            after - 'to_id' - 'due_at', actor_id, source - 'enrollment', depth FROM records_change
        WHERE source ->> 'kind' = 'workflow'""",
    "queue": """
        SELECT object_type, kind, properties, source - 'enrollment', depth FROM records_pendingchange
        WHERE source ->> 'kind' = 'workflow'""",
    "enrollments": """
        SELECT workflow_id, revision_id, record_id, status, step, waiting_in, visit, tries, due_at, claim,
            claimed_until, attempts, cause, ended_reason, outputs #- '{task,task}', enrolled_at IS NULL,
            ended_at IS NULL, (SELECT count(*) FROM records_association
                WHERE from_type = 'contact' AND from_id = record_id AND to_type = 'task'
                    AND to_id = (outputs #>> '{task,task}')::bigint)
        FROM workflows_enrollment""",
    "log": """
        SELECT e.record_id, l.revision_id, l.visit, l.step, l.action, l.outcome, l.detail - 'task' - 'due',
            l.detail ? 'due', l.detail -> 'task' = e.outputs #> '{task,task}'
        FROM workflows_stepexecution l JOIN workflows_enrollment e ON e.id = l.enrollment_id""",
}


def publish() -> tuple[Workflow, Any]:
    """The workflow of the job, live, and the user who enrolls."""
    users = get_user_model()._default_manager
    admin = users.get_or_create(username="admin", defaults={"is_superuser": True, "is_staff": True})[0]
    workflow = drafting.create("Five steps", "contact", admin, definition=DEFINITION)
    publishing.publish(workflow, by=admin, now=database_now(), enroll_existing=False)
    workflow.refresh_from_db()
    return workflow, admin


def clean_slate(contacts: int) -> None:
    """So many fresh contacts with the ids from 1 on, and nothing else; statistics and pages as after a quiet night."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
        cursor.execute("ALTER SEQUENCE records_change_id_seq RESTART")
        cursor.execute(FILL, [contacts])
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("CHECKPOINT")


def written() -> dict[str, tuple[int, str]]:
    """How many rows of each kind there are, and one sum over all they say."""
    found = {}
    with connection.cursor() as cursor:
        for name, rows in WRITTEN.items():
            cursor.execute(f"SELECT count(*), COALESCE(sum(hashtextextended(r::text, 0)), 0)::text FROM ({rows}) AS r")
            found[name] = cursor.fetchone()
    return found
