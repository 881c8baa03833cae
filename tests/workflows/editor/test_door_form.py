"""The trigger panel's settings: who enters again, who leaves, the goal; what is sent is what the draft says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from records.clock import database_now
from tests.workflows.publishing_deals import BIG, boss, document
from workflows import drafting
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

COUNTED = {"property": "number_of_tasks", "operator": "is_greater_than", "value": 1}
UNFINISHED = '{"all": [{"property": "", "operator": ""}]}'
CRITERIA = {"any": [{"all": [BIG, COUNTED]}]}


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(boss())
    return client


def panel(workflow: Workflow) -> str:
    return f"{reverse('admin:workflow_panel', args=[workflow.pk])}?step=trigger"


def send(client: Client, workflow: Workflow, **fields: Any) -> dict[str, Any]:
    """Send the panel's form; the draft's definition after it."""
    facts = {"kind": "filter", "criteria": json.dumps(CRITERIA), "door": "1", "door-others": "none"}
    rev = drafting.draft_of(workflow).rev
    answer = client.post(panel(workflow), {**facts, **fields, "rev": rev, "redraw": "1"})
    assert answer.status_code == 200, answer.content
    return drafting.draft_of(workflow).definition


def new(**parts: Any) -> Workflow:
    return drafting.create("Test", "deal", boss(), definition=document(BIG, COUNTED, **parts))


@pytest.mark.covers("REN-01", "REN-02", "REN-05")
def test_reenrollment_is_off_turns_on_for_all_filters_that_can_and_shows_why_others_cannot(client):
    workflow = new()
    page = client.get(panel(workflow)).content.decode()
    assert "Let records enroll again" in page and "door-reenroll" not in page
    assert send(client, workflow, **{"door-again": "on"})["trigger"]["reenroll"] == ["any.0.all.0"]

    page = client.get(panel(workflow)).content.decode()
    assert "Calculated properties cannot enroll again." in page
    boxes = [part.split(">")[0] for part in page.split("<input")[1:] if 'name="door-reenroll"' in part.split(">")[0]]
    assert [("disabled" in box, "checked" in box) for box in boxes] == [(False, True), (True, False)]
    kept = send(client, workflow, **{"door-again": "on", "door-reenroll": ["any.0.all.0", "any.0.all.1"]})
    assert kept["trigger"]["reenroll"] == ["any.0.all.0"]
    assert "reenroll" not in send(client, workflow)["trigger"]


@pytest.mark.covers("UNE-01", "UNE-02", "UNE-03", "UNE-06")
def test_unenrollment_and_goal_are_kept_as_sent_and_cleared_when_empty(client):
    workflow = new()
    wanted = {"all": [BIG]}
    found = send(
        client, workflow, **{"door-leave": json.dumps(wanted), "door-goal": UNFINISHED, "door-no_longer": "on"}
    )
    assert found["unenroll"] == {"criteria": wanted, "when_no_longer_matching": True}
    assert found["goal"] == json.loads(UNFINISHED)
    cleared = send(client, workflow)
    assert (cleared["unenroll"], cleared["goal"]) == ({}, None)


@pytest.mark.covers("UNE-07")
def test_other_workflows_are_chosen_by_name(client):
    workflow, other = new(), new()
    Workflow.objects.filter(pk=other.pk).update(name="Other one")
    assert send(client, workflow, **{"door-others": "some"})["unenroll"] == {"others": []}
    page = client.get(panel(workflow)).content.decode()
    assert "Other one" in page and f'name="door-chosen" value="{workflow.pk}"' not in page
    found = send(client, workflow, **{"door-others": "some", "door-chosen": [str(other.pk)]})
    assert found["unenroll"] == {"others": [other.pk]}
    assert send(client, workflow, **{"door-others": "all"})["unenroll"] == {"others": "all"}


def test_a_schedule_has_nothing_to_choose_about_entering_again_and_a_manual_trigger_has(client):
    workflow = new()
    send(client, workflow, kind="manual", erase="manual")
    assert send(client, workflow, kind="manual", **{"door-again": "on"})["trigger"] == {
        "kind": "manual", "reenroll": True
    }  # fmt: skip
    found = drafting.replace(
        workflow,
        {**document(BIG), "trigger": {"kind": "schedule"}},
        drafting.draft_of(workflow).rev,
        user=boss(),
        now=database_now(),
    )
    assert found
    page = client.get(panel(workflow)).content.decode()
    assert "so there is nothing to choose" in page and 'name="door-again"' not in page
