"""The library of templates: found, looked at, and used."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import person
from workflows.definitions.goals import FUNCTIONS, Goal
from workflows.definitions.parsing import parse
from workflows.editor.gallery import preview
from workflows.models import Revision, Workflow
from workflows.registries import goals

pytestmark = pytest.mark.django_db
LIBRARY, ADD = "/admin/workflows/workflow/templates/", "/admin/workflows/workflow/add/"


def page(client: Client, address: str) -> str:
    return unescape(client.get(address).content.decode())


def shown(client: Client, **asked: str) -> set[str]:
    text = client.get(LIBRARY, asked).content.decode()
    return set(re.findall(rf'<h3><a href="{LIBRARY}([\w-]+)/"', text))


@pytest.mark.covers("CRE-01", "CRE-09")
def test_a_workflow_is_made_from_scratch_with_ai_or_from_a_template(admin_client: Client) -> None:
    text = page(admin_client, ADD)
    assert "From scratch" in text and "With AI" in text and LIBRARY in text
    assert admin_client.post(ADD, {"name": "Mine", "object_type": "deal"})["Location"].endswith("?step=trigger")
    assert shown(admin_client) == set(goals)
    assert all(str(goal.aim) and goal.function in FUNCTIONS for goal in goals.values()), "each says what it is for"


@pytest.mark.covers("CRE-10")
def test_the_library_is_narrowed_by_function_and_by_record(admin_client: Client) -> None:
    text = page(admin_client, LIBRARY)
    for key, slug in (("function", "service"), ("object", "deal")):
        assert f'href="?{key}={slug}"' in text
        of = {"function": lambda goal: goal.function, "object": lambda goal: goal.definition["object"]}[key]
        assert shown(admin_client, **{key: slug}) == {one.slug for one in goals.values() if of(one) == slug} != set()
    assert 'aria-current="page"' in page(admin_client, f"{LIBRARY}?function=service")


@pytest.mark.covers("CRE-11")
def test_the_library_is_searched_by_words(admin_client: Client) -> None:
    assert shown(admin_client, q="PHONE international") == {"tidy-phone-numbers"}
    assert shown(admin_client, q="deal", function="service") == set()
    assert "No template has these words" in page(admin_client, f"{LIBRARY}?q=xyzzy")


@pytest.mark.covers("CRE-12", "CRE-13", "CRE-14", "CRE-15")
def test_a_template_says_what_for_whether_it_works_what_to_prepare_and_what_it_does(admin_client: Client) -> None:
    text = page(admin_client, f"{LIBRARY}nurture-new-leads/")
    goal = goals["nurture-new-leads"]
    assert str(goal.aim) in text and str(goal.description) in text
    assert "All of it works here" in text
    assert "Two marketing emails" in text and "Send email: " in text, "what is open is named as the review would"
    for sentence in ("Wait 3 days", "Call {{ contact.first_name }}", "Lifecycle stage"):
        assert sentence.casefold() in text.casefold()
    assert "Nothing: it can be published as it is." in page(admin_client, f"{LIBRARY}tidy-phone-numbers/")
    assert admin_client.get(f"{LIBRARY}nothing/").status_code == 404


@pytest.mark.covers("CRE-12")
def test_what_does_not_work_here_is_named_before_a_template_is_used(admin_user: Any) -> None:
    steps = [
        {"id": "ask", "action": "ask_ai", "params": {"prompt": "Who is it?"}},
        {"id": "code", "action": "custom_code", "params": {}},
    ]
    goal = Goal("x", "X", "Asks.", {"object": "contact", "steps": steps})
    assert preview(goal, admin_user).obstacles == ["Ask AI: No AI provider is set up."]
    clerk = person("clerk", "workflows.add_workflow")
    assert preview(goal, clerk).obstacles == [
        "Ask AI: you may not use it in workflows.", "Custom code: you may not use it in workflows.",
    ]  # fmt: skip


@pytest.mark.covers("CRE-16", "PLH-05")
@pytest.mark.parametrize("slug", sorted(goals))
def test_each_template_becomes_a_draft_that_is_off_with_its_open_settings_as_placeholders(
    admin_client: Client, slug: str
) -> None:
    assert "Use this template" in page(admin_client, f"{LIBRARY}{slug}/")
    opened = admin_client.post(ADD, {"goal": slug})["Location"]
    workflow = Workflow.objects.get()
    assert opened == f"/admin/workflows/workflow/{workflow.pk}/editor/" and workflow.status == "off"
    assert Revision.objects.get().definition["steps"] == goals[slug].definition["steps"]
    assert parse(Revision.objects.get().definition).by_id
    assert admin_client.get(opened).status_code == 200


def test_the_library_is_for_who_may_make_workflows() -> None:
    viewer = person("viewer", "workflows.view_workflow")
    viewer.is_staff = True
    viewer.save()
    client = Client()
    client.force_login(viewer)
    assert client.get(LIBRARY).status_code == client.get(f"{LIBRARY}tidy-phone-numbers/").status_code == 403
