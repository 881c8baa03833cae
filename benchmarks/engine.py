"""Enrollments taken through five steps, against plain SQL that writes the same rows in the same run."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from crm.models import Contact, Task
from records.clock import database_now
from records.journal import change_source
from workflows import drafting, engine, publishing
from workflows.enrolling import enroll
from workflows.models import Enrollment, StepExecution, Workflow

GOAL = 4.0
BATCH = 500
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
        {"id": "task", "action": "create_task", "params": {"title": "Call", "assignee": ""}},
        {"id": "end", "action": "end", "params": {}},
    ],
}  # fmt: skip
FILL = """
    INSERT INTO crm_contact (email, city, lead_score, first_name, last_name)
    SELECT 'c' || n || '@example.com', 'Nowhere', mod(n, 100), 'F' || n, 'L' || n FROM generate_series(1, %s) AS n
"""
FLOOR = (
    "UPDATE crm_contact SET city = CASE WHEN lead_score > 50 THEN 'Malmö' ELSE 'Lund' END WHERE id = ANY(%(ids)s)",
    "UPDATE crm_contact SET lead_score = lead_score + 1 WHERE id = ANY(%(ids)s)",
    """
    WITH made AS (
        INSERT INTO crm_task (title, body, kind, priority, status)
        SELECT 'Call', '', 'todo', 'none', 'open' FROM unnest(%(ids)s::bigint[]) RETURNING id
    ),
    pairs AS (
        SELECT task.id AS task, contact.id AS contact FROM (SELECT id, row_number() OVER () AS n FROM made) AS task
        JOIN unnest(%(ids)s::bigint[]) WITH ORDINALITY AS contact (id, n) USING (n)
    )
    INSERT INTO records_association (from_type, from_id, to_type, to_id, label)
    SELECT 'contact', contact, 'task', task, '' FROM pairs
    UNION ALL SELECT 'task', task, 'contact', contact, '' FROM pairs
    """,
    """
    INSERT INTO workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at)
    SELECT e.id, e.revision_id, n, 'step', 'action', 'success', jsonb_build_object('record', e.record_id), now()
    FROM workflows_enrollment AS e, generate_series(1, 5) AS n
    WHERE e.workflow_id = %(w)s AND e.record_id = ANY(%(ids)s)
    """,
    """
    UPDATE workflows_enrollment SET status = 'completed', step = '', due_at = NULL, ended_at = now(),
        ended_reason = 'completed', outputs = '{"task": {"task": 1}}'
    WHERE workflow_id = %(w)s AND record_id = ANY(%(ids)s)
    """,
)


def run(contacts: int, out: TextIO) -> bool:
    """Take the contacts through the steps, and write as much in plain SQL; True when the goal is met."""
    with connection.cursor() as cursor:
        cursor.execute(FILL, [contacts])
        cursor.execute("ANALYZE crm_contact")
    ids = list(Contact.objects.order_by("pk").values_list("pk", flat=True))
    admin = get_user_model()._default_manager.get_or_create(username="admin", defaults={"is_superuser": True})[0]
    floor = measured(enrolled(admin, ids), plainly, ids)
    ours = measured(enrolled(admin, ids), by_the_engine, ids)
    ratio = ours[1] / floor[1]
    for name, (wall, cpu) in (("plain SQL", floor), ("engine", ours)):
        out.write(
            f"Five steps for {contacts:,} contacts, {name}: {contacts / wall:,.0f} enrollments/s, "
            f"{cpu / contacts * 1_000:.2f} CPU s per 1,000\n"
        )
    out.write(f"Engine against plain SQL: {ratio:.1f}x the CPU (goal {GOAL:.0f}x)\n")
    return ratio <= GOAL


def enrolled(admin: Any, ids: list[int]) -> Workflow:
    workflow = drafting.create("Five steps", "contact", admin, definition=DEFINITION)
    publishing.publish(workflow, by=admin, now=database_now(), enroll_existing=False)
    enroll(workflow, ids, cause={"kind": "manual", "actor": admin.pk}, now=database_now(), manual=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_enrollment")
    return workflow


def by_the_engine(workflow: Workflow, ids: list[int]) -> None:
    while engine.run_due(database_now(), BATCH):
        pass


def plainly(workflow: Workflow, ids: list[int]) -> None:
    for start in range(0, len(ids), BATCH):
        facts: dict[str, Any] = {"ids": ids[start : start + BATCH], "w": workflow.pk}
        with transaction.atomic(), change_source("workflow", workflow=workflow.pk), connection.cursor() as cursor:
            for statement in FLOOR:
                cursor.execute(statement, facts)


def measured(workflow: Workflow, work: Callable[[Workflow, list[int]], None], ids: list[int]) -> tuple[float, float]:
    """Wall and CPU seconds, ours and PostgreSQL's; raises AssertionError when not all of it was done."""
    tasks, began, spent = Task.objects.count(), time.perf_counter(), cpu_seconds()
    work(workflow, ids)
    wall, cpu = time.perf_counter() - began, cpu_seconds() - spent
    done = Enrollment.objects.filter(workflow=workflow, status=Enrollment.Status.COMPLETED).count()
    lines = StepExecution.objects.filter(enrollment__workflow=workflow).count()
    made = Task.objects.count() - tasks
    if (done, lines, made) != (len(ids), 5 * len(ids), len(ids)):
        raise AssertionError(f"Of {len(ids)} enrollments {done} are done, with {lines} lines and {made} tasks.")
    return wall, cpu


def cpu_seconds() -> float:
    """What this process has used, and on Linux what its PostgreSQL backend has."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    own = usage.ru_utime + usage.ru_stime
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        place = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not place.exists():
        return own
    fields = place.read_text().rpartition(")")[2].split()
    return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
