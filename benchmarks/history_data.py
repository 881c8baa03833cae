"""Months of enrollments and of their log, made by SQL: six workflows, the first of which has seven in ten of them."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from benchmarks.criteria import CITIES, TITLES
from benchmarks.criteria import FILL as CONTACTS
from benchmarks.journal import execute
from records.partitions import ensure_partitions
from workflows import drafting
from workflows.history import issues
from workflows.lifecycle import publishing
from workflows.models import Workflow

#: Enrollments are spread evenly over so many days; one in twenty of them still waits.
DAYS = 150
LINES = 10
WORKFLOWS = 6
#: Enrollments whose log is written by one statement.
AT_ONCE = 100_000
#: One record in so many takes the rare way.
RARE = 20_000
BUYERS = {"any": [{"all": [{"property": "job_title", "operator": "is_equal_to_any_of", "value": ["Buyer"]}]}]}


def edit(step_id: str, city: str) -> dict[str, Any]:
    return {"id": step_id, "action": "edit_record", "params": {"property": "city", "value": city}}


STEPS: list[dict[str, Any]] = [
    {"id": "split", "action": "branch", "params": {}, "branches": [
        {"name": "Buyers", "criteria": BUYERS, "steps": [edit("buyers", "Lund")]},
        {"name": "Others", "steps": [edit("others", "Oslo")]},
    ]},
    edit("second", "Rome"),
    {"id": "note", "action": "create_note", "params": {"body": "Hello"}},
    {"id": "number", "action": "change_number", "params": {"property": "lead_score", "by": 1}},
    {"id": "wait", "action": "delay", "params": {"days": 1, "hours": 0, "minutes": 0}},
    {"id": "task", "action": "create_task", "params": {"title": "Call", "due": {"days": 2}}},
    edit("third", "Paris"),
    {"id": "end", "action": "end", "params": {}},
]  # fmt: skip
ENROLLMENTS = """
    INSERT INTO workflows_enrollment (
        workflow_id, revision_id, record_id, status, step, waiting_in, visit, arrived_at, due_at, attempts, cause,
        outputs, enrolled_at, ended_at, ended_reason
    )
    SELECT (%(workflows)s::bigint[])[w.place], (%(revisions)s::bigint[])[w.place],
        %(first)s + mod(n::bigint * 7919, %(contacts)s), s.status,
        CASE s.status WHEN 'active' THEN 'wait' WHEN 'failed' THEN 'number' ELSE '' END,
        CASE s.status WHEN 'active' THEN 'wait' ELSE '' END, 6, e.at,
        CASE s.status WHEN 'active' THEN %(now)s::timestamptz + interval '1 day' END, 0, '{"kind": "manual"}', '{}',
        e.at, CASE s.status WHEN 'active' THEN NULL ELSE e.at + interval '1 day 10 seconds' END,
        CASE s.status WHEN 'active' THEN '' WHEN 'failed' THEN 'does_not_fit' WHEN 'refused' THEN 'already_enrolled'
            WHEN 'unenrolled' THEN 'by_hand' ELSE 'completed' END
    FROM generate_series(1, %(rows)s) AS n
    CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - (%(rows)s - n) * (%(span)s::interval / %(rows)s) AS at) AS e
    CROSS JOIN LATERAL (SELECT CASE WHEN n > %(rows)s * 0.95 THEN 'active' WHEN mod(n, 1000) = 0 THEN 'failed'
        WHEN mod(n, 50) = 1 THEN 'unenrolled' WHEN mod(n, 40) = 3 THEN 'refused' ELSE 'completed' END AS status) AS s
    CROSS JOIN LATERAL (SELECT mod(n::bigint * 31, 1000) AS share) AS x
    CROSS JOIN LATERAL (SELECT CASE WHEN x.share < 700 THEN 1 WHEN x.share < 850 THEN 2 WHEN x.share < 930 THEN 3
        WHEN x.share < 970 THEN 4 WHEN x.share < 999 THEN 5 ELSE 6 END AS place) AS w
"""
LOG = """
    INSERT INTO workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at)
    SELECT e.id, e.revision_id, s.visit, s.step,
        CASE WHEN s.step = 'note' AND mod(e.id, %(rare)s) = 0 THEN 'send_notification' ELSE s.action END,
        CASE WHEN s.step = 'number' AND mod(e.id, 100) = 0 THEN 'failed'
            WHEN s.step = 'second' AND mod(e.id, 50) = 0 THEN 'skipped' ELSE s.outcome END,
        CASE WHEN s.step = 'number' AND mod(e.id, 100) = 0 THEN '{"reason": "does_not_fit"}'
            WHEN s.step = 'second' AND mod(e.id, 50) = 0 THEN '{"reason": "nothing_to_copy"}'
            ELSE s.detail END::jsonb,
        e.enrolled_at + s.visit * interval '1 second' + s.later::interval
    FROM workflows_enrollment e CROSS JOIN (VALUES
        (0, 'split', 'branch', 'success', '{"branch": 1, "name": "Others"}', '0'),
        (1, 'others', 'edit_record', 'success', '{"property": "city", "before": "Lund", "after": "Oslo"}', '0'),
        (2, 'second', 'edit_record', 'success', '{"property": "city", "before": "Oslo", "after": "Rome"}', '0'),
        (3, 'note', 'create_note', 'success', '{"note": 1}', '0'),
        (4, 'number', 'change_number', 'success', '{"property": "lead_score", "before": 1, "after": 2}', '0'),
        (5, 'wait', 'delay', 'waiting', '{"until": "2026-01-01T00:00:00+00:00"}', '0'),
        (5, 'wait', 'delay', 'success', '{}', '1 day'),
        (6, 'task', 'create_task', 'success', '{"task": 1}', '1 day'),
        (7, 'third', 'edit_record', 'success', '{"property": "city", "before": "Rome", "after": "Paris"}', '1 day'),
        (8, 'end', 'end', 'success', '{}', '1 day')
    ) AS s (visit, step, action, outcome, detail, later)
    WHERE e.id > %(after)s AND e.id <= %(upto)s AND e.status <> 'refused'
        AND s.visit <= CASE e.status WHEN 'failed' THEN 4 WHEN 'active' THEN 5 ELSE 8 END
        AND NOT (e.status = 'active' AND s.later <> '0')
    ORDER BY e.id, s.visit
"""


def load(rows: int, now: dt.datetime, seconds: float) -> list[Workflow]:
    """Enrollments and ten lines of log for each, about; the workflows, largest first.

    Raises SystemExit where it takes longer than so many seconds.
    """
    end = time.monotonic() + seconds
    admin = get_user_model()._default_manager.create_superuser("bench-history")
    made = [workflow(f"History {number}", admin, now) for number in range(1, WORKFLOWS + 1)]
    for days in range(DAYS + 31, -90, -90):
        ensure_partitions("workflows_stepexecution", now - dt.timedelta(days=days))
    contacts = max(rows // 2, 100)
    execute("ALTER TABLE crm_contact DISABLE TRIGGER USER")
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(max(id), 0) FROM crm_contact")
        facts: dict[str, Any] = {
            "rows": rows, "now": now, "span": f"{DAYS} days", "contacts": contacts, "rare": RARE,
            "first": cursor.fetchone()[0] + 1, "workflows": [one.pk for one in made],
            "revisions": [one.live_id for one in made],
        }  # fmt: skip
        cursor.execute(CONTACTS, {"cities": CITIES, "titles": TITLES, "rows": contacts})
        cursor.execute(ENROLLMENTS, facts)
        cursor.execute("SELECT min(id), max(id) FROM workflows_enrollment")
        first, last = cursor.fetchone()
        for after in range(first - 1, last, AT_ONCE):
            if time.monotonic() > end:
                raise SystemExit(f"Making {rows:,} enrollments takes longer than {seconds:.0f} s. Ask for fewer.")
            cursor.execute(LOG, facts | {"after": after, "upto": after + AT_ONCE})
    execute("ALTER TABLE crm_contact ENABLE TRIGGER USER")
    for table in ("crm_contact", "workflows_enrollment", "workflows_stepexecution"):
        execute(f"VACUUM ANALYZE {table}")
    issues.gather(now)
    return made


def workflow(name: str, admin: Any, now: dt.datetime) -> Workflow:
    definition = {
        "format": 1, "name": name, "object": "contact", "trigger": {"kind": "manual"}, "steps": STEPS,
    }  # fmt: skip
    made = drafting.create(name, "contact", admin, definition=definition)
    publishing.publish(made, by=admin, now=now, enroll_existing=False)
    return Workflow.objects.get(pk=made.pk)
