"""Notices about workflows: whom they reach, what about, and by which mails (SET-10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Team, TeamMembership, User
from records.clock import database_now
from records.models import Access
from records.object_types import object_types
from records.property_access.granting import grant
from tests.workflows.publishing_deals import BIG, boss, document, live
from tests.workflows.restricted import RAISE, member
from tests.workflows.restricted import document as deal_document
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.health import digesting, notifying
from workflows.lifecycle import publishing, switching
from workflows.models import Delivery, Enrollment, MailWish, Notification, Workflow

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", email="ann@example.com", is_staff=True)


@pytest.fixture
def sales() -> Team:
    team = Team.objects.create(name="Sales", slug="sales")
    for name, main in (("cay", True), ("dan", False)):
        user = User.objects.create_user(name, email=f"{name}@example.com")
        TeamMembership.objects.create(team=team, user=user, main=main)
    return team


def told(about: str = "") -> list[tuple[str, str]]:
    rows = Notification.objects.filter(about=about) if about else Notification.objects.all()
    return sorted((one.user.username, one.title) for one in rows)


def mails() -> list[tuple[str, str]]:
    return [(one.request["to"], one.request["subject"]) for one in Delivery.objects.filter(kind="mail").order_by("pk")]


def watched(*about: str, users: Any = ("ann",), teams: Any = (), **parts: Any) -> Workflow:
    notify = {"users": list(users), "teams": list(teams), "about": list(about)}
    return live(BIG, settings={"notify": notify}, **parts)


@pytest.mark.covers("SET-10")
def test_somebody_is_told_when_all_who_are_named_and_the_publisher_have_left(ann):
    eva = User.objects.create_superuser("eva")
    workflow = watched(notifying.ERRORS)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert notifying.watchers(workflow) == [boss()]
    User.objects.filter(pk=boss().pk).update(is_active=False)
    assert notifying.watchers(workflow) == [eva]
    assert notifying.notify(workflow, notifying.ERRORS, "It fails", "", now=database_now()) == 1
    assert told() == [("eva", "It fails")]


@pytest.mark.covers("SET-10")
def test_users_and_main_members_of_teams_hear_that_a_workflow_was_turned_off(ann, sales):
    workflow = watched(notifying.TURNED_OFF, teams=["sales"])
    switching.pause(workflow, by=boss(), now=database_now())
    assert told() == []
    switching.turn_off(workflow, by=boss(), now=database_now())
    title = "“Test” was turned off by boss"
    assert told(notifying.TURNED_OFF) == [("ann", title), ("cay", title)]
    switching.turn_on(workflow, by=ann_with_rights(), now=database_now())
    Notification.objects.all().delete()
    switching.turn_off(workflow, by=ann_with_rights(), now=database_now())
    assert [name for name, _title in told()] == ["cay"], "not who has done it"


def ann_with_rights() -> User:
    User.objects.filter(username="ann").update(is_superuser=True)
    return User.objects.get(username="ann")


def test_a_team_that_is_not_there_is_a_problem_and_a_team_alone_is_enough(sales):
    notify = {"teams": ["sales", "gone"], "about": ["errors"]}
    found = checking.problems(parse(document(BIG, settings={"notify": notify})))
    assert [problem.path for problem in found] == ["settings.notify.teams.1"]


def test_whoever_may_not_open_the_workflow_is_not_told_of_it():
    una = member("una", Access.NONE)
    workflow = watched(notifying.TURNED_OFF, users=[una.username], steps=[RAISE])
    switching.turn_off(workflow, by=boss(), now=database_now())
    assert told() == []


def test_nor_is_whoever_published_it_and_may_not_open_it_any_more():
    una = member("una", None)
    workflow = drafting.create("W", "deal", una, deal_document(RAISE))
    publishing.publish(workflow, by=una, now=database_now(), enroll_existing=False)
    workflow = Workflow.objects.select_related("live").get(pk=workflow.pk)
    assert notifying.watchers(workflow) == [una]
    grant(una.groups.get(), object_types["deal"], {"amount": Access.NONE}, by=boss(), now=database_now())
    assert notifying.watchers(workflow) == []


def test_a_mail_lists_so_many_notices_and_says_how_many_more_there_are(ann, monkeypatch):
    monkeypatch.setattr(digesting, "LISTED", 2)
    notices = [Notification(user=ann, title=f"Notice {number}", about="errors") for number in range(1, 5)]
    texts = {count: digesting.text_of(notices[:count]) for count in (2, 3, 4)}
    assert "more" not in texts[2] and "Notice 2" in texts[2]
    assert "1 more stands under the bell." in texts[3] and "Notice 3" not in texts[3]
    assert "2 more stand under the bell." in texts[4]


@pytest.mark.covers("SET-10")
@pytest.mark.parametrize(
    ("yesterday", "today", "days_on", "expected"),
    [(30, 5, 20, 1), (30, 15, 20, 0), (10, 0, 20, 0), (30, 5, 3, 0)],
    ids=["a drop", "not so few", "never many", "not on for long"],
)
def test_a_drop_is_told_of_a_workflow_that_was_busy(ann, yesterday, today, days_on, expected):
    workflow, now = watched(notifying.DROP), database_now() + 20 * DAY
    Workflow.objects.filter(pk=workflow.pk).update(turned_on_at=now - days_on * DAY)
    busy(workflow, now, yesterday, today)
    assert notifying.tell_jumps(now) == expected


def busy(workflow: Workflow, now: dt.datetime, before: int, today: int) -> None:
    """So many enrollments on each of the seven days before, and in the last one."""
    moments = [now - n * DAY - dt.timedelta(hours=1) for n in range(1, 8) for _time in range(before)]
    moments += [now - dt.timedelta(hours=1)] * today
    Enrollment.objects.bulk_create(
        Enrollment(
            workflow=workflow, revision_id=workflow.live_id, record_id=number + 1, status="completed", enrolled_at=at,
            ended_at=at,
        )
        for number, at in enumerate(moments)
    )  # fmt: skip


@pytest.mark.covers("SET-10")
def test_notices_of_a_day_come_in_one_mail_each_at_once_or_not_at_all(ann, sales):
    """Once a day is what nobody had to choose; every notice is in one mail at most."""
    cay = User.objects.get(username="cay")
    bea = User.objects.create_user("bea", email="bea@example.com")
    workflow, now = watched(notifying.TURNED_OFF, users=["ann", "bea"], teams=["sales"]), database_now()
    digesting.wish(cay, MailWish.Workflows.EACH, now)
    digesting.wish(bea, MailWish.Workflows.NONE, now)
    title = "“Test” was turned off by boss"
    switching.turn_off(workflow, by=boss(), now=now)
    assert mails() == [("cay@example.com", title)]
    notifying.tell(workflow, "“Test” again", "", now=now, about=notifying.TURNED_OFF)
    assert len(mails()) == 2
    assert digesting.digest(digesting.last_morning(now) + dt.timedelta(minutes=1)) == 0, "not before the next morning"
    morning = digesting.last_morning(now) + DAY
    assert [digesting.digest(morning), digesting.digest(morning)] == [1, 0]
    assert mails()[2:] == [("ann@example.com", "2 notices about your workflows")]
    text = Delivery.objects.latest("pk").request["text"]
    assert title in text and "“Test” again" in text
    assert not digesting.unmailed().exists()


def test_everybody_chooses_for_themselves_on_the_page(ann):
    client = Client()
    client.force_login(ann)
    url = reverse("admin:notification_mail")
    client.post(url, {"workflows": "each"})
    assert digesting.wishes([ann.pk]) == {ann.pk: "each"}
    client.post(url, {"workflows": "hourly"})
    assert digesting.wishes([ann.pk]) == {ann.pk: "each"}
    page = client.get(reverse("admin:workflows_notification_changelist")).content.decode()
    assert '<option value="each" selected>' in page


def test_what_steps_send_comes_in_no_digest(ann):
    Notification.objects.create(user=ann, title="A task", created_at=database_now() - 2 * DAY)
    assert digesting.digest(database_now()) == 0
