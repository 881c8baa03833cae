"""The home page, the sidebar and the command palette."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from config import home, palette
from crm.models import Contact, Deal, Task, User
from records.clock import database_now
from records.journal import change_source
from records.templatetags.shortened import shortened
from tests.workflows.building import enroll, make_workflow, step
from workflows.models import Delivery, Enrollment, Notification, Workflow
from workflows.registries import goals

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", password="pw", first_name="Ann")


@pytest.fixture
def clerk() -> User:
    """May view contacts and nothing else."""
    user = User.objects.create_user("clerk", password="pw", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    return user


def test_the_first_start_offers_goals_and_makes_a_draft_of_one(ann: User, client: Any) -> None:
    client.force_login(ann)
    page = client.get("/admin/").content.decode()
    assert "What do you want to happen by itself?" in page
    assert page.count("Start from this</button>") == sum(goal.featured for goal in goals.values()) > 3
    answer = client.post("/admin/home/start/follow-up-big-deals/")
    workflow = Workflow.objects.get()
    assert answer.status_code == 302
    assert str(workflow.pk) in answer["Location"]
    assert (workflow.name, workflow.status) == ("Follow up big deals", "off")


def test_a_goal_needs_the_right_to_build_and_a_post(clerk: User, ann: User, client: Any) -> None:
    client.force_login(clerk)
    assert client.post("/admin/home/start/follow-up-big-deals/").status_code == 403
    assert "Start from this" not in client.get("/admin/").content.decode()
    client.force_login(ann)
    assert client.get("/admin/home/start/follow-up-big-deals/").status_code == 405
    assert client.post("/admin/home/start/nothing/").status_code == 404
    assert not Workflow.objects.exists()


def test_running_workflows_show_what_they_do_now(ann: User, client: Any) -> None:
    contacts = Contact.objects.bulk_create(Contact(email=f"{i}@example.com") for i in range(5))
    workflow = make_workflow([step("end", "end")])
    now = database_now()
    rows = enroll(workflow, [contact.pk for contact in contacts], now)
    ended = {"status": "completed", "ended_at": now, "step": ""}
    Enrollment.objects.filter(pk__in=[row.pk for row in rows[:2]]).update(**ended)
    (line,) = home.running(ann, now)
    assert (line.enrolled, line.active, line.completed_today, line.days[-1]) == (5, 3, 2, 5)
    client.force_login(ann)
    assert "Enrolled by day" in client.get("/admin/home/workflows/").content.decode()


def test_my_open_tasks_come_with_the_most_urgent_first(ann: User) -> None:
    now = database_now()
    Task.objects.create(title="later", owner=ann, due_at=now + dt.timedelta(days=1))
    Task.objects.create(title="sometime", owner=ann)
    Task.objects.create(title="overdue", owner=ann, due_at=now - dt.timedelta(days=1))
    Task.objects.create(title="done", owner=ann, status="done")
    Task.objects.create(title="somebody else's")
    assert [task.title for task, _url in home.open_tasks(ann)] == ["overdue", "later", "sometime"]


def test_recent_activity_tells_what_changed_and_who_did_it(ann: User) -> None:
    with change_source("admin", actor=ann):
        deal = Deal.objects.create(name="Acme", amount=100)
    with change_source("workflow", workflow=1):
        Deal.objects.filter(pk=deal.pk).update(amount=250)
    changed, created = home.facts(ann, database_now())["activity"]
    assert (changed.name, changed.sentence, changed.who) == ("Acme", "Amount: 100 → 250", "by a workflow")
    assert (created.sentence, created.who) == ("Deal created", "Ann")


def test_nobody_sees_activity_of_records_they_may_not_view(clerk: User) -> None:
    Deal.objects.create(name="Secret")
    Contact.objects.create(email="open@example.com")
    facts = home.facts(clerk, database_now())
    assert [line.name for line in facts["activity"]] == ["open@example.com"]
    assert (facts["tasks"], facts["health"], facts["sees_workflows"]) == (None, None, False)


def test_the_health_line_says_when_nothing_moves_and_what_was_given_up(ann: User) -> None:
    now = database_now()
    assert home.health(now).level == "ok"
    Delivery.objects.create(key="1", kind="email", request={}, state="dead", created_at=now)
    found = home.health(now)
    assert (found.level, found.sentence) == ("danger", "1 delivery was given up. Retry or skip it.")
    Deal.objects.create(name="waits for the clock")
    assert home.health(now + dt.timedelta(minutes=5)).level == "warn"


def test_the_palette_finds_records_by_every_word_of_their_name(ann: User) -> None:
    Contact.objects.create(email="bo@example.com", first_name="Bo", last_name="Lind")
    Contact.objects.create(email="bo@other.example", first_name="Bo", last_name="Berg")
    (group,) = palette.search("lind bo", ann, [])
    assert [(entry["label"], entry["hint"]) for entry in group["entries"]] == [("Bo Lind", "Contact")]


def test_the_palette_hides_what_a_person_may_not_view(clerk: User, client: Any) -> None:
    Deal.objects.create(name="Acme deal")
    Contact.objects.create(email="acme@example.com")
    make_workflow([step("end", "end")]).save()
    client.force_login(clerk)
    groups = client.get("/admin/palette/?q=acme").json()["groups"]
    assert [group["label"] for group in groups] == ["Contacts"]
    assert client.get("/admin/palette/?q=test").json()["groups"] == []


def test_the_palette_is_for_people_who_are_logged_in(client: Any) -> None:
    assert client.get("/admin/palette/").status_code == 302


def test_the_sidebar_shows_what_a_person_may_open(clerk: User, client: Any) -> None:
    client.force_login(clerk)
    groups = client.get("/admin/palette/").json()["groups"]
    assert [entry["label"] for entry in groups[0]["entries"]] == ["Contacts", "Notifications"]


def test_the_pages_of_rq_are_for_super_admins(clerk: User, ann: User, client: Any) -> None:
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="django_rq"))
    client.force_login(clerk)
    assert client.get("/admin/django_rq/dashboard/").status_code == 403
    assert client.get("/admin/django_rq/dashboard/stats.json/").status_code == 403
    client.force_login(ann)
    page = client.get("/admin/django_rq/dashboard/")
    assert page.status_code == 200
    assert "<style" not in page.content.decode()


@pytest.mark.parametrize(
    "place",
    ["queues/0/", *(f"queues/0/{kind}/" for kind in ("finished", "failed", "scheduled", "started", "deferred")),
     "workers/0/"],
)  # fmt: skip
def test_the_pages_of_rq_keep_the_policy_and_their_checkboxes(ann: User, client: Any, place: str) -> None:
    client.force_login(ann)
    page = client.get(f"/admin/django_rq/dashboard/{place}").content.decode()
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == [] and "headrace/tick_all.js" in page


def test_a_notification_is_read_by_its_own_user_only(ann: User, clerk: User, client: Any) -> None:
    note = Notification.objects.create(user=ann, title="For Ann", url="/admin/", created_at=database_now())
    client.force_login(clerk)
    assert client.post(f"/admin/workflows/notification/{note.pk}/open/").status_code == 404
    assert "For Ann" not in client.get("/admin/workflows/notification/").content.decode()
    client.force_login(ann)
    assert client.post(f"/admin/workflows/notification/{note.pk}/open/")["Location"] == "/admin/"
    note.refresh_from_db()
    assert note.read_at is not None


def test_a_user_with_notifications_can_be_deleted(ann: User, clerk: User, client: Any) -> None:
    Notification.objects.create(user=clerk, title="For the clerk", created_at=database_now())
    client.force_login(ann)
    assert client.post(f"/admin/crm/user/{clerk.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=clerk.pk).exists()


def test_a_notification_never_leads_to_another_site(ann: User, client: Any) -> None:
    note = Notification.objects.create(user=ann, title="Bait", url="https://evil.example/", created_at=database_now())
    client.force_login(ann)
    answer = client.post(f"/admin/workflows/notification/{note.pk}/open/")
    assert answer["Location"] == "/admin/workflows/notification/"


def test_the_home_page_asks_the_database_a_bounded_number_of_times(
    ann: User, client: Any, django_assert_max_num_queries: Any
) -> None:
    Deal.objects.bulk_create(Deal(name=f"Deal {i}", owner=ann) for i in range(30))
    Task.objects.bulk_create(Task(title=f"Task {i}", owner=ann) for i in range(30))
    client.force_login(ann)
    client.get("/admin/")
    with django_assert_max_num_queries(25):
        client.get("/admin/")


def test_what_is_deleted_is_named_up_to_a_number_and_counted_beyond_it(ann: User, client: Any) -> None:
    nested = ["one", ["a", "b", ["deep"], "c", ["deeper"]], "two"]
    assert shortened(nested, 2) == ["one", ["a", "b", ["deep"], "and 1 more"], "two"]
    assert shortened(nested, 3) == nested
    client.force_login(ann)
    page = client.get(reverse("admin:crm_user_delete", args=[ann.pk])).content.decode()
    assert "is deleted for good" in page and "Keep it" in page
