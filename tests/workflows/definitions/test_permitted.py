"""Events and filters that take a right: hidden from who lacks it, refused when new, kept where they are (TRG-12)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import User
from records.clock import database_now
from records.object_types import object_types
from records.problems import DocumentError
from tests.api.conftest import person
from tests.workflows.publishing_deals import boss
from workflows import drafting
from workflows.definitions.parsing import parse
from workflows.editor.panels import Panel
from workflows.lifecycle import cataloguing
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
RIGHTS = ("workflows.view_workflow", "workflows.add_workflow", "workflows.change_workflow", "crm.view_contact")
SUBMITTED = {"kind": "event", "events": [{"event": "form_submitted"}]}
IN_WORKFLOW = {"workflow": "any", "operator": "has_completed"}


@pytest.fixture
def sue() -> User:
    return person("sue", *RIGHTS, is_staff=True)


def document(trigger: dict[str, Any], *steps: dict[str, Any]) -> dict[str, Any]:
    return {"format": 1, "object": "contact", "name": "W", "trigger": trigger, "steps": list(steps)}


def change(workflow: Workflow, new: dict[str, Any], by: User) -> Any:
    draft = drafting.draft_of(workflow)
    return drafting.replace(workflow, new, draft.rev, user=by, now=database_now())


def offered(user: User) -> list[str]:
    form = Panel(parse(document({"kind": "event", "events": []})), "trigger", user=user).trigger
    assert form is not None and form.events is not None
    return [
        slug for name, group in form.events.items[0].choice.fields["event"].choices if name for slug, _name in group
    ]


@pytest.mark.covers("TRG-12")
def test_who_may_not_see_forms_is_offered_no_form_triggers_and_filters(sue: User) -> None:
    assert "form_submitted" in offered(boss())
    assert "form_submitted" not in offered(sue) and "page_viewed" in offered(sue)
    client = Client()
    client.force_login(sue)
    found = client.get(reverse("records:criteria-catalog", args=["contact"])).json()["kinds"]
    values = {option["value"] for kind in found if kind["key"] == "event" for option in kind["options"]}
    assert "form_submitted" not in values and "page_viewed" in values
    assert not {"form", "list"} & {kind["key"] for kind in found}


@pytest.mark.covers("TRG-12")
def test_what_takes_a_right_is_refused_when_new_with_the_name_of_the_right(sue: User) -> None:
    workflow = drafting.create("W", "contact", sue, document({"kind": "manual"}))
    with pytest.raises(DocumentError) as refused:
        change(workflow, document(SUBMITTED), sue)
    (problem,) = refused.value.problems
    assert (problem.path, problem.code) == ("trigger.events.0", "forbidden")
    assert problem.message == (
        "You may not use “Form submitted” in workflows. Ask for the right “Can view form”, or leave it out."
    )
    criteria = {"all": [{"association": "deal", "all": [{"list": "key", "operator": "is_member"}]}]}
    with pytest.raises(DocumentError) as hidden:
        change(workflow, document({"kind": "filter", "criteria": criteria}), sue)
    assert [one.path for one in hidden.value.problems] == ["trigger.criteria.all.0.all.0"]
    wait = {
        "id": "wait",
        "action": "delay_until_event",
        "params": {"event": "form_submitted", "max_wait": {"days": 1}},
    }
    with pytest.raises(DocumentError):
        change(workflow, document({"kind": "manual"}, wait), sue)
    with pytest.raises(DocumentError):
        cataloguing.create("Other", object_types["contact"], by=sue, definition=document(SUBMITTED))
    assert change(workflow, document({"kind": "filter", "criteria": {"all": [IN_WORKFLOW]}}), sue).revision.rev == 1


@pytest.mark.covers("TRG-12")
def test_what_is_there_already_stays_readable_and_editable_around(sue: User) -> None:
    workflow = drafting.create("W", "contact", boss(), document(SUBMITTED))
    form = Panel(parse(drafting.draft_of(workflow).definition), "trigger", user=sue).trigger
    assert form is not None and form.events is not None
    first = form.events.items[0].choice
    assert first["event"].value() == "form_submitted"
    assert ("form_submitted", "Form submitted") in first.fields["event"].choices
    renamed = change(workflow, document(SUBMITTED, {"id": "end", "action": "end"}), sue)
    assert renamed.revision.definition["trigger"] == SUBMITTED
    twice = {"kind": "event", "events": [*SUBMITTED["events"], {"event": "form_submitted"}]}
    with pytest.raises(DocumentError):
        change(workflow, document(twice), sue)
