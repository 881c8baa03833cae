"""What the review says of drafts nobody would publish, and of workflows that are finishing."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from crm.models import Deal
from records.clock import database_now
from records.problems import DocumentError
from tests.workflows.publishing_deals import BIG, boss, draft, live
from workflows import drafting
from workflows.definitions.definition import parse
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
