"""New workflows and properties one may not edit: no action that changes them, but any filter (PRM-05 to PRM-07)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from records.clock import database_now
from records.models import Access
from records.problems import DocumentError
from tests.api.conftest import client_of
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import BIG, MANUAL, RAISE, RENAME, changed, document, made, member, published
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.editor.page import palette
from workflows.editor.panels import Panel
from workflows.lifecycle import publishing
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
SPLIT = {
    "id": "split",
    "action": "branch",
    "branches": [{"name": "Big", "criteria": BIG, "steps": []}, {"name": "Otherwise", "steps": []}],
}
CLEAR = {"id": "clear", "action": "edit_record", "params": {"property": "amount", "clear": True}}
NEW_DEAL = {
    "id": "new",
    "action": "create_record",
    "params": {"object": "deal", "properties": {"name": "N", "amount": 1}},
}
ROTATE = {"id": "turn", "action": "rotate_owner", "params": {"users": ["boss"]}}
COPY = {"id": "copy", "action": "edit_record", "params": {"property": "name", "value": "{{ deal.amount }}"}}


@pytest.mark.covers("PRM-05")
@pytest.mark.parametrize("level", [Access.NONE, Access.VIEW])
@pytest.mark.parametrize("step", [RAISE, CLEAR, NEW_DEAL], ids=["number", "clear", "create"])
def test_actions_that_change_the_property_cannot_be_added_by_who_may_not_edit_it(level, step) -> None:
    una = member("una", level)
    workflow = made(RENAME, by=una)
    with pytest.raises(DocumentError) as refused:
        changed(workflow, RENAME, step, by=una)
    (problem,) = refused.value.problems
    assert (problem.path, problem.value, problem.code) == ("steps.1.params", "deal.amount", "forbidden")
    assert "changes “amount”" in problem.message
    with pytest.raises(DocumentError):
        made(step, by=una)
    draft = drafting.draft_of(workflow)
    insert = {"op": "insert", "at": "steps.0", "step": step}
    with pytest.raises(DocumentError):
        drafting.carry_out(workflow, insert, rev=draft.rev, user=una, now=database_now())
    assert changed(workflow, RENAME, step, by=boss()).revision.rev == 1


@pytest.mark.covers("PRM-05", "EDT-14")
def test_an_action_that_always_changes_one_property_is_greyed_in_the_palette_with_the_reason() -> None:
    una = member("una", Access.VIEW, slug="owner")

    def reasons(user):
        return {entry["slug"]: entry["reason"] for group in palette("deal", user=user) for entry in group["actions"]}

    assert reasons(una)["rotate_owner"] == "Changes “owner”: you may see it but not change it"
    assert reasons(una)["edit_record"] == reasons(boss())["rotate_owner"] == ""
    with pytest.raises(DocumentError):
        made(ROTATE, by=una)


@pytest.mark.covers("PRM-06", "EDT-14")
def test_the_property_is_greyed_with_the_reason_while_the_action_is_configured() -> None:
    una = member("una", Access.NONE)
    for step, name in ((RENAME, "property"), (NEW_DEAL | {"params": {"object": "deal"}}, "properties")):
        html = str(Panel(parse(document(step)), step["id"], user=una).form[name])
        (option,) = [part for part in html.split("<option") if 'value="amount"' in part]
        assert "disabled" in option and "you have no access to it" in option
        assert "you have no access to it" not in str(Panel(parse(document(step)), step["id"], user=boss()).form[name])


@pytest.mark.covers("PRM-07", "FLT-48")
@pytest.mark.parametrize("level", [Access.NONE, Access.VIEW])
def test_the_property_can_be_used_in_triggers_and_branches_of_a_new_workflow(level) -> None:
    una = member("una", level)
    trigger = {"kind": "filter", "criteria": BIG}
    workflow = made(SPLIT, RENAME, trigger=trigger, by=una)
    changed(workflow, SPLIT, RENAME, RENAME | {"id": "again"}, trigger=trigger, by=una)
    review = publishing.review(workflow, user=una, now=database_now())
    assert review.ready
    assert bool(review.withheld) == (level == Access.NONE), "numbers would tell who has no access the values"
    assert [problem.code for problem in review.problems] == (["closes"] if level == Access.NONE else [])
    publishing.publish(workflow, by=una, now=database_now(), enroll_existing=False)
    assert workflow.live is not None


def test_values_of_what_a_person_has_no_access_to_are_not_copied_into_what_they_may_see() -> None:
    una, vic = member("una", Access.NONE), member("vic", Access.VIEW)
    with pytest.raises(DocumentError) as refused:
        made(COPY, by=una)
    assert "would tell the value of “amount”" in refused.value.problems[0].message
    workflow = made(COPY, by=vic)
    # What others have brought in keeps nobody from changing the rest.
    assert changed(workflow, COPY, RENAME, by=una).revision.rev == 1


@pytest.mark.covers("PRM-05")
def test_publishing_and_undoing_are_refused_by_the_same_rule() -> None:
    una = member("una", Access.VIEW)
    found = checking.errors(checking.problems(parse(document(RENAME, RAISE)), user=una))
    assert [(problem.path, problem.code) for problem in found] == [("steps.1.params", "forbidden")]
    workflow = made(RENAME)
    changed(workflow, RENAME, RAISE, by=boss())
    changed(workflow, RENAME, by=boss())
    with pytest.raises(DocumentError):
        drafting.undo(workflow, rev=drafting.draft_of(workflow).rev, user=una, now=database_now())
    changed(workflow, RENAME, RAISE, by=boss())
    with pytest.raises(PermissionDenied):
        publishing.publish(workflow, by=una, now=database_now(), enroll_existing=False)


@pytest.mark.covers("PRM-05")
def test_the_api_and_copies_are_refused_by_the_same_rule() -> None:
    una, model = member("una", Access.VIEW), published(RAISE)
    api = client_of(una)
    body = {"name": "New", "object": "deal", "definition": document(RAISE)}
    reply = api.send("POST", "workflows/", body)
    assert reply.status_code == 400
    assert reply.document["errors"][0]["path"] == "definition.steps.0.params"
    client = Client()
    client.force_login(una)
    assert client.post(reverse("admin:workflow_clone", args=[model.pk])).status_code == 403
    assert Workflow.objects.get() == model
    assert api.send("POST", "workflows/", body | {"definition": document(RENAME, trigger=MANUAL)}).status_code == 201


@pytest.mark.parametrize(
    "step",
    [
        {"id": "tell", "action": "send_notification", "params": {"users": ["una"], "title": "Now {{ event.new }}"}},
        {"id": "tell", "action": "edit_record", "params": {"property": "name", "value": '{{ event["old"] }}'}},
        {"id": "tell", "action": "format_data", "params": {"format": "formula", "formula": "event.new & event.old"}},
    ],
    ids=["text", "old value", "formula"],
)
def test_values_of_what_a_person_has_no_access_to_are_not_told_with_the_event_that_changed_them(step) -> None:
    una = member("una", Access.NONE)

    def changing(slug: str) -> dict:
        return {"kind": "event", "events": [{"event": "property_changed", "property": slug}]}

    with pytest.raises(DocumentError) as refused:
        made(step, trigger=changing("amount"), by=una)
    assert "would tell the value of “amount”" in refused.value.problems[0].message
    workflow = made(step, trigger=changing("stage"), by=una)
    with pytest.raises(DocumentError):
        changed(workflow, step, trigger=changing("amount"), by=una)
    made(RENAME, trigger=changing("amount"), by=una)
