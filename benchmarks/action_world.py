"""The records that lines of the actions' benchmark go through, and what their steps name."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from benchmarks.action_lines import NAMED
from crm.audiences import keeping as audiences
from crm.models import (
    Audience,
    Contact,
    EmailTemplate,
    Inbox,
    Sequence,
    SubscriptionType,
    Survey,
    Team,
    TeamMembership,
)
from crm.sequences import enrolling as sequences
from crm.subscribing import Wish, set_status
from records.clock import database_now
from records.lists import keeping, members
from records.models import RecordList
from records.object_types import object_types
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import AIProvider, Connection, Workflow
from workflows.outside import connecting

USERS = 10
#: Records made ready by one call of a verb.
AT_ONCE = 1_000
TABLES = (
    "crm_contact", "crm_company", "crm_task", "crm_note", "crm_conversation", "crm_audiencemember",
    "crm_audiencechange", "records_association", "records_membership", "records_change", "records_pendingchange",
    "records_event", "workflows_enrollment", "workflows_stepexecution", "workflows_delivery",
    "workflows_notification",
)  # fmt: skip
FILL = (
    """INSERT INTO crm_contact (id, email, first_name, last_name, city, job_title, phone, lead_score, owner_id)
    SELECT n, 'c' || n || '@example.com', 'F' || n, 'L' || n, 'Nowhere', 'Company ' || n,
        '(415) 555-' || lpad(mod(n, 10000)::text, 4, '0'), mod(n, 100), users[1 + mod(n, cardinality(users))]
    FROM generate_series(1, %(count)s) AS n, (SELECT %(users)s::bigint[] AS users) AS given""",
    """INSERT INTO crm_company (id, name) SELECT n, 'Company ' || n FROM generate_series(1, %(count)s) AS n""",
    "SELECT setval(pg_get_serial_sequence('crm_contact', 'id'), %(count)s)",
    "SELECT setval(pg_get_serial_sequence('crm_company', 'id'), %(count)s)",
)
LINK = """
    INSERT INTO records_association (from_type, from_id, to_type, to_id, label)
    SELECT 'contact', n, %(type)s, n, %(label)s FROM generate_series(1, %(count)s) AS n
    UNION ALL SELECT %(type)s, n, 'contact', n, %(label)s FROM generate_series(1, %(count)s) AS n
"""
TALK = "INSERT INTO crm_conversation (id, subject) SELECT n, 'About ' || n FROM generate_series(1, %(count)s) AS n"
MARKETING = "UPDATE crm_contact SET marketing_status = 'marketing'"
MOBILE = "UPDATE crm_contact SET mobile = '+4670' || lpad((1000000 + id)::text, 7, '0')"


def people() -> Any:
    """The user who publishes, and a team of others."""
    users = get_user_model()._default_manager
    admin = users.get_or_create(username="admin", defaults={"is_superuser": True, "is_staff": True})[0]
    team = Team.objects.get_or_create(slug=NAMED, defaults={"name": "Benchmark"})[0]
    for number in range(USERS):
        user = users.get_or_create(username=f"u{number}", defaults={"email": f"u{number}@example.com"})[0]
        TeamMembership.objects.get_or_create(team=team, user=user, defaults={"main": True})
    return admin


def named(admin: Any, origin: str) -> None:
    """What steps name, with another system at `origin`; what is there already stays as it is."""
    for slug, name, facts in (
        (NAMED, "Benchmark", {}), ("benchmark_care", "Benchmark care", {"purpose": "service"}),
        ("benchmark_sms", "Benchmark SMS", {"channel": "sms"}),
        ("benchmark_whatsapp", "Benchmark WhatsApp", {"channel": "whatsapp"}),
    ):  # fmt: skip
        SubscriptionType.objects.get_or_create(slug=slug, defaults={"name": name, **facts})
    news, care = (SubscriptionType.objects.get(slug=slug) for slug in (NAMED, "benchmark_care"))
    if not RecordList.objects.filter(slug=NAMED).exists():
        keeping.create(object_types["contact"], "Benchmark", now=database_now(), slug=NAMED)
    Audience.objects.get_or_create(slug=NAMED, defaults={"name": "Benchmark"})
    Inbox.objects.get_or_create(slug=NAMED, defaults={"name": "Benchmark"})
    body = "<p>Hello {{ contact.first_name }}, <a href='https://example.com/'>look</a></p>"
    EmailTemplate.objects.get_or_create(
        slug=NAMED,
        defaults={"name": "Benchmark", "subject": "Hi {{ contact.first_name }}", "body": body, "type": news},
    )
    Survey.objects.get_or_create(
        slug=NAMED, defaults={"name": "Benchmark", "type": care, "subject": "How was it?", "message": "Tell us."}
    )
    sequence, new = Sequence.objects.get_or_create(slug=NAMED, defaults={"name": "Benchmark", "subscription": news})
    if new:
        sequence.steps.create(position=0, kind="email", subject="Hello", body="I am {{ sender.first_name }}.")
    facts = {"name": "Benchmark agent", "subscription": news, "is_agent": True}
    agent, new = Sequence.objects.get_or_create(slug="benchmark_agent", defaults=facts)
    if new:
        agent.steps.create(position=0, kind="written", body="Write to {{ contact.first_name }}")
    if not Connection.objects.filter(slug=NAMED).exists():
        facts = {"name": "Benchmark", "origin": origin, "auth": "basic", "auth_name": "AC1", "secret": "word"}
        connecting.create(facts, by=admin, now=database_now())
    AIProvider.objects.get_or_create(
        slug=NAMED,
        defaults={
            "name": "Benchmark", "connection": Connection.objects.get(slug=NAMED), "model": "small-1",
            "is_default": True, "searches": True,
        },
    )  # fmt: skip


def target(object_type: str, admin: Any) -> Workflow:
    """A workflow of one step that others enroll records in."""
    found = Workflow.objects.filter(name=f"Target {object_type}").first()
    if found is not None:
        return found
    document = {
        "format": 1, "name": f"Target {object_type}", "object": object_type, "trigger": {"kind": "manual"},
        "steps": [{"id": "over", "action": "end", "params": {}}],
    }  # fmt: skip
    made = drafting.create(document["name"], object_type, admin, definition=document)
    publishing.publish(made, by=admin, now=database_now(), enroll_existing=False)
    return made


def empty() -> None:
    """Remove what the line before has left."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")


def fill(records: int, before: tuple[str, ...], admin: Any, origin: str) -> None:
    """So many fresh contacts, and companies, with the ids from 1 on, and what is to be there before."""
    users = list(
        get_user_model()._default_manager.filter(teams__slug=NAMED).order_by("pk").values_list("pk", flat=True)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in FILL:
            cursor.execute(statement, {"count": records, "users": users})
        for statement, label, kind in statements_of(before):
            cursor.execute(statement, {"count": records, "label": label, "type": kind})
        cursor.execute("SET session_replication_role = DEFAULT")
    named(admin, origin)
    for start in range(1, records + 1, AT_ONCE):
        make_ready(range(start, min(start + AT_ONCE, records + 1)), before)


def statements_of(before: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """SQL by which records get what is to be there, with a label and an object type."""
    found = {
        "linked": [(LINK, "", "company")], "labelled": [(LINK, "old", "company")], "marketing": [(MARKETING, "", "")],
        "mobile": [(MOBILE, "", "")], "conversations": [(TALK, "", ""), (LINK, "", "conversation")],
    }  # fmt: skip
    return [one for name in before for one in found.get(name, ())]


def make_ready(ids: range, before: tuple[str, ...]) -> None:
    """What verbs do for some of the records before they are enrolled."""
    now = database_now()
    if "listed" in before:
        members.add(RecordList.objects.get(slug=NAMED), ids, now=now)
    if "opted in" in before:
        for slug in ("benchmark_sms", "benchmark_whatsapp"):
            wish = Wish(SubscriptionType.objects.get(slug=slug), "subscribed", "consent")
            set_status(ids, wish, source="admin", now=now)
    if "advertised" in before:
        audiences.add(Audience.objects.get(slug=NAMED), Contact.objects.filter(pk__in=ids), now=now)
    if "sequenced" in before:
        sender = get_user_model()._default_manager.get(username="u0")
        wanted = dict.fromkeys(ids, sequences.Sending(sender, ""))
        sequences.enroll(Sequence.objects.get(slug=NAMED), wanted, now=now)


def settle() -> None:
    """Statistics as after a quiet night."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
        cursor.execute("CHECKPOINT")
