"""Records through each set-based action, one at a time: how many a second, and what one costs.

Every action runs in a workflow of that one step, over contacts that have an owner, a phone number and an associated
company of their own. Enrolling is not counted; claiming, the step, its log line and the end are.
"""

from __future__ import annotations

from typing import Any, TextIO

from django.contrib.auth import get_user_model
from django.db import connection

from benchmarks.engine import BATCH
from benchmarks.metering import Spent, spent
from benchmarks.reference_job import HIGH
from crm.models import SubscriptionType, Team, TeamMembership
from records.clock import database_now
from records.lists import keeping, members
from records.models import RecordList
from records.object_types import object_types
from workflows import drafting
from workflows.engine import taking_steps
from workflows.enrollment.enrolling import enroll
from workflows.lifecycle import publishing
from workflows.models import StepExecution, Workflow

USERS = 10
LIST, NEWS, TEAM = "benchmark", "benchmark", "benchmark"
TABLES = (
    "crm_contact", "crm_company", "crm_task", "crm_note", "records_association", "records_membership",
    "records_change", "records_pendingchange", "records_event", "workflows_enrollment", "workflows_stepexecution",
    "workflows_delivery", "workflows_notification",
)  # fmt: skip
FILL = (
    """INSERT INTO crm_contact (email, first_name, last_name, city, job_title, phone, lead_score, owner_id)
    SELECT 'c' || n || '@example.com', 'F' || n, 'L' || n, 'Nowhere', 'Company ' || n,
        '(415) 555-' || lpad(mod(n, 10000)::text, 4, '0'), mod(n, 100), users[1 + mod(n, cardinality(users))]
    FROM generate_series(1, %(count)s) AS n, (SELECT %(users)s::bigint[] AS users) AS given""",
    """INSERT INTO crm_company (name) SELECT 'Company ' || n FROM generate_series(1, %(count)s) AS n""",
)
LINK = """
    INSERT INTO records_association (from_type, from_id, to_type, to_id, label)
    SELECT 'contact', n, 'company', n, %(label)s FROM generate_series(1, %(count)s) AS n
    UNION ALL SELECT 'company', n, 'contact', n, %(label)s FROM generate_series(1, %(count)s) AS n
"""
AB = {"name": "A", "criteria": HIGH, "steps": []}, {"name": "B", "steps": []}
#: By name: the action, its params (or the whole step), and what is there before: "linked", "labelled", "listed".
EXAMPLES: dict[str, tuple[str, dict[str, Any], str]] = {
    "branch": ("branch", {"branches": [*AB]}, ""),
    "value_branch": (
        "value_branch",
        {"params": {"property": "city"}, "branches": [{"name": "A", "values": ["Nowhere"], "steps": []}, AB[1]]},
        "",
    ),
    "random_split": (
        "random_split",
        {"branches": [{"name": name, "percent": 50, "steps": []} for name in "AB"]},
        "",
    ),
    "edit_record, one value": ("edit_record", {"params": {"property": "city", "value": "Malmö"}}, ""),
    "edit_record, a text with tokens": (
        "edit_record", {"params": {"property": "city", "value": "{{ contact.first_name }} in {{ contact.city }}"}}, "",
    ),
    "edit_record, of associated ones": (
        "edit_record", {"params": {"of": "company", "property": "city", "value": "Malmö"}}, "linked",
    ),
    "change_number": ("change_number", {"params": {"property": "lead_score", "by": 1}}, ""),
    "create_record": (
        "create_record",
        {"params": {"object": "company", "properties": {"name": "{{ contact.first_name }}"}, "associate": True}},
        "",
    ),
    "create_task": (
        "create_task",
        {"params": {
            "title": "Call {{ contact.first_name }}", "assignee": "owner", "due": {"days": 2}, "at": "09:00",
            "reminder": {"hours": 1}, "associate": ["company"],
        }},
        "linked",
    ),
    "create_note": ("create_note", {"params": {"body": "<b>{{ contact.first_name }}</b>", "pinned": True}}, ""),
    "rotate_owner": ("rotate_owner", {"params": {"team": TEAM}}, ""),
    "format_data": ("format_data", {"params": {"format": "formula", "formula": "title(contact.city)"}}, ""),
    "format_phone": ("format_phone", {"params": {"property": "phone", "country": "US"}}, ""),
    "delete_contact": ("delete_contact", {}, ""),
    "create_association": (
        "create_association", {"params": {"object": "company", "property": "job_title", "matches": "name"}}, "",
    ),
    "apply_label": ("apply_label", {"params": {"of": "company", "new_label": "employer"}}, "linked"),
    "update_label": (
        "update_label", {"params": {"of": "company", "label": "old", "new_label": "employer"}}, "labelled",
    ),
    "remove_label": ("remove_label", {"params": {"of": "company"}}, "labelled"),
    "add_to_list": ("add_to_list", {"params": {"list": LIST}}, ""),
    "remove_from_list": ("remove_from_list", {"params": {"list": LIST}}, "listed"),
    "set_marketing_status": ("set_marketing_status", {"params": {"status": "marketing"}}, ""),
    "set_subscription": (
        "set_subscription", {"params": {"type": NEWS, "status": "subscribed", "legal_basis": "consent"}}, "",
    ),
    "send_notification": (
        "send_notification", {"params": {"users": ["owner"], "title": "Look at {{ contact.first_name }}"}}, "",
    ),
    "send_internal_email": (
        "send_internal_email", {"params": {"to": ["owner"], "subject": "{{ contact.city }}", "body": "Look"}}, "",
    ),
}  # fmt: skip


def run(records: int, out: TextIO) -> bool:
    """Send so many records through each action and print how quick that was; there is no goal."""
    admin = people()
    out.write(f"\nEach action, {records:,} records, batches of {BATCH}\n")
    out.write(f"{'':34} {'records/s':>10} {'CPU ms each':>12} {'of it python':>13}\n")
    for name, (slug, facts, before) in EXAMPLES.items():
        cost = measured(published(name, slug, facts, admin), admin, records, before)
        rate, each = records / cost.wall, cost.cpu / records * 1_000
        out.write(f"{name:34} {rate:10,.0f} {each:12.3f} {cost.python / cost.cpu:13.0%}\n")
    return True


def people() -> Any:
    """The user who publishes, a team of others, and what the examples name."""
    users = get_user_model()._default_manager
    admin = users.get_or_create(username="admin", defaults={"is_superuser": True, "is_staff": True})[0]
    team = Team.objects.get_or_create(slug=TEAM, defaults={"name": "Benchmark"})[0]
    for number in range(USERS):
        user = users.get_or_create(username=f"u{number}", defaults={"email": f"u{number}@example.com"})[0]
        TeamMembership.objects.get_or_create(team=team, user=user, defaults={"main": True})
    SubscriptionType.objects.get_or_create(slug=NEWS, defaults={"name": "Benchmark"})
    if not RecordList.objects.filter(slug=LIST).exists():
        keeping.create(object_types["contact"], "Benchmark", now=database_now(), slug=LIST)
    return admin


def published(name: str, slug: str, facts: dict[str, Any], admin: Any) -> Workflow:
    steps = [{"id": "step", "action": slug, "params": {}, **facts}]
    document = {"format": 1, "name": name, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow = drafting.create(name, "contact", admin, definition=document)
    publishing.publish(workflow, by=admin, now=database_now(), enroll_existing=False)
    workflow.refresh_from_db()
    return workflow


def measured(workflow: Workflow, admin: Any, records: int, before: str) -> Spent:
    """What it cost; raises AssertionError when a record did not come through with success."""
    clean_slate(records, before)
    enroll(
        workflow, range(1, records + 1), cause={"kind": "manual", "actor": admin.pk}, now=database_now(), manual=True
    )
    begun = spent()
    while taking_steps.run_due(database_now(), BATCH):
        pass
    cost = spent() - begun
    done = StepExecution.objects.filter(step="step", outcome="success").count()
    if done != records:
        raise AssertionError(f"{workflow.name}: of {records} records {done} came through.")
    return cost


def clean_slate(records: int, before: str) -> None:
    """So many fresh contacts, and companies, with the ids from 1 on; statistics as after a quiet night."""
    users = list(
        get_user_model()._default_manager.filter(teams__slug=TEAM).order_by("pk").values_list("pk", flat=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
        for statement in FILL:
            cursor.execute(statement, {"count": records, "users": users})
        if before in ("linked", "labelled"):
            cursor.execute(LINK, {"count": records, "label": "old" if before == "labelled" else ""})
        cursor.execute("SET session_replication_role = DEFAULT")
    if before == "listed":
        members.add(RecordList.objects.get(slug=LIST), range(1, records + 1), now=database_now())
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("CHECKPOINT")
