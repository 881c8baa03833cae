"""Workflows that name an action that is not installed any more: pages say so, and an older version comes back."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

import pytest
from django.test import Client

from crm.models import Deal, User
from records.clock import database_now
from tests.workflows.building import enroll
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import RENAME, changed, published
from workflows.lifecycle import publishing
from workflows.models import Workflow
from workflows.registries import actions

pytestmark = pytest.mark.django_db
CALL = {"id": "call", "action": "create_task", "params": {"title": "Call", "assignee": "owner"}}
LIST = "/admin/workflows/workflow/"


@pytest.fixture
def client() -> Client:
    found = Client()
    found.force_login(boss())
    return found


@pytest.fixture
def broken() -> Iterator[Workflow]:
    """Its first version can be read; the second, which is live, names what is gone."""
    workflow = published(RENAME)
    changed(workflow, RENAME, CALL, by=boss())
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    gone = actions.pop("create_task")
    yield workflow
    actions["create_task"] = gone


@pytest.mark.parametrize("asked", ["editor/", "editor/?step=rename", "outline/", "review/"])
def test_its_pages_say_what_is_gone_and_what_can_be_done(client: Client, broken: Workflow, asked: str):
    reply = client.get(f"{LIST}{broken.pk}/{asked}", follow=True)
    told = unescape(reply.content.decode())
    assert reply.status_code == 409
    assert "There is no action 'create_task'." in told
    for way in ("versions", "export", "remove"):
        assert f'href="{LIST}{broken.pk}/{way}/"' in told
        assert client.get(f"{LIST}{broken.pk}/{way}/").status_code == 200
    ann = User.objects.create_user("ann", is_staff=True)
    client.force_login(ann)
    assert client.get(f"{LIST}{broken.pk}/editor/").status_code == 403


def test_programs_are_told_in_their_own_form(client: Client, broken: Workflow):
    reply = client.get(f"{LIST}{broken.pk}/editor/?format=json")
    assert (reply.status_code, reply.json()["errors"][0]["path"]) == (400, "steps.1.action")


def test_a_version_that_can_be_read_becomes_the_draft_and_is_published(client: Client, broken: Workflow):
    first = broken.revisions.get(number=1)
    client.post(f"{LIST}{broken.pk}/versions/", {"revision": first.pk, "rev": broken.revisions.latest("pk").rev})
    assert client.get(f"{LIST}{broken.pk}/editor/").status_code == 200
    assert client.get(f"{LIST}{broken.pk}/outline/").status_code == 200
    rev = broken.revisions.get(published_at=None).rev
    client.post(f"{LIST}{broken.pk}/review/", {"rev": rev, "enroll_existing": "no"})
    broken.refresh_from_db()
    assert broken.live is not None
    assert (broken.live.number, [step["id"] for step in broken.live.definition["steps"]]) == (3, ["rename"])


def test_what_happened_in_it_is_still_told(client: Client, broken: Workflow):
    deal = Deal.objects.create(name="Old", amount=5)
    (inside,) = enroll(broken, [deal.pk], at="rename")
    told = unescape(client.get(f"/admin/workflows/enrollment/diagnose/{broken.pk}/?record={deal.pk}").content.decode())
    assert "It was enrolled by hand" in told and "The workflow cannot be read any more" in told
    assert client.get(f"/admin/workflows/enrollment/{inside.pk}/change/").status_code == 200
    for page in ("performance", "metrics"):
        assert client.get(f"{LIST}{broken.pk}/{page}/").status_code == 200


@pytest.mark.parametrize(("was", "way"), [("off", "on"), ("draining", "on"), ("paused", "resume")])
def test_it_is_not_turned_on_and_says_why(client: Client, broken: Workflow, was: str, way: str):
    Workflow.objects.filter(pk=broken.pk).update(status=was)
    reply = client.post(f"{LIST}switch/?to={way}&id={broken.pk}", follow=True)
    assert "cannot be read, so it is not turned on: There is no action 'create_task'." in unescape(
        reply.content.decode()
    )
    broken.refresh_from_db()
    assert broken.status == was
    client.post(f"{LIST}switch/?to=off&id={broken.pk}")
    broken.refresh_from_db()
    assert broken.status == "off"
