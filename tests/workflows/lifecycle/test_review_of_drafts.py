"""What the review says of drafts nobody would publish, and of workflows that are finishing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Contact, Deal
from records.associations import associate
from records.clock import database_now
from records.object_types import object_types
from records.problems import DocumentError
from tests.api.conftest import client_of, person
from tests.workflows.publishing_deals import BIG, boss, draft, live
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.lifecycle import publishing, switching

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "settings",
    [
        {"notify": {"users": ["boss"], "about": True}},
        {"notify": {"users": "boss", "about": [["errors"]]}},
        {"notify": ["boss"]},
        {"windows": True},
        {"windows": [{"days": 7}]},
        {"pause_dates": True},
        {"limit": [1]},
    ],
)
def test_settings_of_any_shape_are_reviewed_with_what_is_wrong_with_them(
    client: Any, settings: dict[str, Any]
) -> None:
    workflow = draft(BIG, settings=settings)
    client.force_login(boss())
    answer = client.get(reverse("admin:workflow_review", args=[workflow.pk]))
    assert answer.status_code == 200
    found = publishing.review(workflow, user=boss(), now=database_now())
    assert not found.ready
    assert any(problem.path.startswith("settings.") for problem in found.problems)


def test_the_review_says_that_publishing_ends_the_finishing_of_a_workflow() -> None:
    Deal.objects.create(name="Big", amount=50)
    workflow = live(BIG, existing=True)
    switching.turn_off(workflow, by=boss(), now=database_now(), drain=True)
    drafting.draft_of(workflow)
    codes = [problem.code for problem in publishing.review(workflow, user=boss(), now=database_now()).problems]
    assert "finishing" in codes


@pytest.mark.parametrize("step_id", ["abc\n", "Abc", "", "a" * 64, None])
def test_a_step_id_is_what_it_says_and_nothing_more(step_id: Any) -> None:
    with pytest.raises(DocumentError) as caught:
        parse({"object": "deal", "steps": [{"id": step_id, "action": "end"}]})
    assert [problem.path for problem in caught.value.problems] == ["steps.0.id"]


@pytest.mark.parametrize("by_schedule", [False, True])
def test_who_may_not_see_what_the_trigger_looks_at_is_told_no_numbers(by_schedule: bool) -> None:
    """Neither in the admin nor by the API: with numbers alone anybody reads any value."""
    contact, deal = Contact.objects.create(email="secret@example.com"), Deal.objects.create(name="Bridge")
    associate(object_types["deal"], object_types["contact"], [(deal.pk, contact.pk)])
    about = {"association": "contact", "all": [{"property": "email", "operator": "is_known"}]}
    trigger: dict[str, Any] = {"kind": "filter", "criteria": {"all": [about]}}
    if by_schedule:
        trigger |= {"kind": "schedule", "schedule": {"every": "day", "at": "09:00"}}
    workflow = drafting.create("W", "deal", boss(), {"format": 1, "trigger": trigger, "steps": []})
    rights = "workflows.view_workflow", "workflows.change_workflow"
    few, more = person("few", *rights, is_staff=True), person("more", *rights, "crm.view_deal", is_staff=True)
    most = person("most", *rights, "crm.view_deal", "crm.view_contact", is_staff=True)
    for user, told in ((few, None), (more, None), (most, 1)):
        found = client_of(user).send("GET", f"workflows/{workflow.pk}/review/").document
        assert (found["matching"], len(found["samples"])) == (told, told or 0)
        client = Client()
        client.force_login(user)
        page = client.get(reverse("admin:workflow_review", args=[workflow.pk])).content.decode()
        assert ("Bridge" in page) is (told is not None) is not ("is not told" in page)
