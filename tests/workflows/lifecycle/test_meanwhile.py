"""What somebody else has done meanwhile: published, deleted, renamed, or made with a right one does not have."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from records.clock import database_now
from records.problems import DocumentError
from tests.api.conftest import client_of, person
from tests.workflows.publishing_deals import BIG, WAIT, boss, draft, live, publish
from tests.workflows.restricted import WORKFLOW_RIGHTS
from workflows import drafting
from workflows.lifecycle import cataloguing, publishing, switching
from workflows.models import Workflow
from workflows.registries import goals

pytestmark = pytest.mark.django_db
CODE = {"id": "code", "action": "custom_code", "params": {"code": "def main(event):\n    return {}\n"}}


def again(workflow: Workflow) -> Workflow:
    return Workflow.objects.get(pk=workflow.pk)


def edit(workflow: Workflow, **op: Any) -> None:
    rev = drafting.draft_of(workflow).rev
    drafting.apply(workflow, op, rev=rev, user=boss(), now=database_now())


def test_of_two_who_publish_the_same_draft_the_second_is_told_of_the_first() -> None:
    workflow = draft(BIG)
    rev = drafting.draft_of(workflow).rev
    publish(workflow, rev=rev)
    with pytest.raises(publishing.RevisionConflict, match=r"boss published the draft"):
        publish(again(workflow), rev=rev)
    edit(workflow, op="update", step="wait", params={"days": 3})
    with pytest.raises(publishing.RevisionConflict, match=r"boss changed"):
        publish(again(workflow), rev=rev)
    assert workflow.revisions.exclude(published_at=None).count() == 1


def test_a_new_name_stays_when_the_workflow_is_published_again() -> None:
    workflow = live(BIG)
    cataloguing.change(workflow, {"name": "Renamed", "description": "What for"}, by=boss(), now=database_now())
    client = Client()
    client.force_login(boss())
    shown = client.get(reverse("admin:workflow_editor", args=[workflow.pk]), {"format": "json"})
    assert shown.json()["name"] == "Renamed"
    edit(workflow, op="update", step="wait", params={"days": 3})
    assert drafting.draft_of(workflow).definition["name"] == "Renamed"
    publish(again(workflow))
    found = again(workflow)
    assert (found.name, found.description) == ("Renamed", "What for")


def test_what_was_published_meanwhile_is_off_when_it_is_deleted() -> None:
    """Whoever deletes has looked at it before."""
    workflow = draft(BIG)
    looked_at = again(workflow)
    publish(workflow)
    cataloguing.remove(looked_at, by=boss(), now=database_now())
    assert (again(workflow).status, looked_at.status) == ("off", "off")
    cataloguing.restore(looked_at, by=boss(), now=database_now())
    assert again(workflow).status == "off"


def test_what_was_deleted_meanwhile_is_neither_published_nor_turned_on() -> None:
    workflow = live(BIG)
    edit(workflow, op="update", step="wait", params={"days": 3})
    looked_at = again(workflow)
    cataloguing.remove(workflow, by=boss(), now=database_now())
    for verb in (publish, lambda one: switching.turn_on(one, by=boss(), now=database_now())):
        with pytest.raises(DocumentError, match=r"was deleted meanwhile\. Restore it first"):
            verb(looked_at)
    assert again(workflow).status == "off"


@pytest.mark.covers("TRG-12", "PRM-04")
def test_a_copy_a_template_and_an_undo_bring_in_no_step_without_its_right() -> None:
    ann = person("ann", *WORKFLOW_RIGHTS, "crm.view_deal", is_staff=True)
    client = Client()
    client.force_login(ann)
    model = draft(BIG, steps=[WAIT, CODE])
    page = client.post(reverse("admin:workflow_clone", args=[model.pk]), follow=True).content.decode()
    assert "You may not use “Custom code” in workflows" in page
    sent = {"name": "N", "object": "deal", "definition": model.revisions.get().definition}
    assert client_of(ann).send("POST", "workflows/", sent).status_code == 400
    forms = next(slug for slug, goal in goals.items() if "form_submitted" in str(goal.definition))
    page = client.post(reverse("admin:workflows_workflow_add"), {"goal": forms}, follow=True).content.decode()
    assert "You may not use “Form submitted”" in page
    assert Workflow.objects.get() == model

    edit(model, op="delete", step="code")
    with pytest.raises(DocumentError, match="You may not use “Custom code”"):
        drafting.undo(model, rev=1, user=ann, now=database_now())
    drafting.undo(model, rev=1, user=boss(), now=database_now())
    drafting.apply(model, {"op": "delete", "step": "code"}, rev=2, user=ann, now=database_now())
    drafting.undo(model, rev=3, user=ann, now=database_now())
    assert [step["id"] for step in drafting.draft_of(model).definition["steps"]] == ["wait", "code"]
