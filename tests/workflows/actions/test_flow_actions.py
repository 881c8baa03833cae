"""What all actions have in common (spec section 15), as far as there are actions to show it with."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Contact, Sequence, SubscriptionType
from records.associations import associations_of
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.ai import speaking
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from workflows import drafting
from workflows.actions.base import Action
from workflows.actions.create_association import linkable
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.editor.page import palette
from workflows.engine.taking_steps import run_due
from workflows.models import Workflow
from workflows.registries import actions

pytestmark = pytest.mark.django_db


@pytest.mark.covers("ACG-01")
def test_actions_are_done_for_the_record_in_order():
    contact = Contact.objects.create(email="a@example.com", lead_score=1)
    steps = [
        step("double", "change_number", property="lead_score", by=1),
        step("copy", "edit_record", property="city", value="{{ contact.lead_score }}"),
        step("more", "change_number", property="lead_score", by=10),
    ]
    (mine,) = enroll(make_workflow(steps), [contact.pk])
    run_due(NOW)
    contact.refresh_from_db()
    assert (contact.city, contact.lead_score) == ("2", 12)
    assert log_of(mine) == [("double", "success"), ("copy", "success"), ("more", "success")]


#: What is done for contacts only, the enrolled record or those associated with it.
TO_CONTACTS = {
    "add_to_audience", "enrich_record", "enroll_in_prospecting_agent", "enroll_in_sequence", "remove_from_audience",
    "send_email",
    "send_internal_marketing_email", "send_sms",
    "send_survey", "send_whatsapp", "set_marketing_status", "set_subscription", "unenroll_from_sequence",
}  # fmt: skip


@pytest.mark.covers("CPL-10", "ACG-03")
def test_every_action_is_there_for_everybody_and_none_is_locked(admin_user):
    speaking.provider("https://ai.example.com", admin_user, searches=True)
    news = SubscriptionType.objects.create(slug="news", name="News")
    Sequence.objects.create(slug="agent", name="Agent", subscription=news, is_agent=True)
    for slug in object_types:
        entries = [entry for group in palette(slug) for entry in group["actions"]]
        assert {entry["slug"] for entry in entries} == set(actions)
        barred = {entry["slug"] for entry in entries if entry["reason"]} - {"delay_to_centre"}
        for_others = {name for name, one in actions.items() if one.object_types and slug not in one.object_types}
        if slug == "conversation":
            for_others |= {"rotate_owner", "add_to_list", "remove_from_list"}
        if not linkable(object_types[slug]):
            for_others |= {"apply_label", "update_label", "remove_label", "create_association"}
        if slug != "contact" and "contact" not in associations_of(slug):
            for_others |= TO_CONTACTS
        if slug != "conversation" and "conversation" not in associations_of(slug):
            for_others.add("assign_conversation")
        if slug != "company" and "company" not in associations_of(slug):
            for_others.add("research_company")
        assert sorted(barred) == sorted(for_others), slug


@pytest.mark.covers("ACG-08")
@pytest.mark.parametrize("slug", ["contact", "company", "deal", "ticket"])
def test_properties_of_every_type_of_record_can_be_edited(slug: str) -> None:
    kind = object_types[slug]
    prop = next(one for one in kind.properties().values() if one.type == "text" and not one.read_only)
    document = {
        "format": 1, "name": "X", "object": slug, "trigger": {"kind": "manual"},
        "steps": [step("edit", "edit_record", property=prop.slug, value="New")],
    }  # fmt: skip
    assert checking.errors(checking.problems(parse(document))) == []


@pytest.fixture
def for_tickets() -> Any:
    class Only(Action):
        slug = "only_tickets"
        label = "Only for tickets"
        object_types = ("ticket",)

        def execute(self, batch: Any, params: dict[str, Any]) -> None:
            batch.done()

    actions.register(Only)
    yield Only
    del actions["only_tickets"]


@pytest.mark.covers("ACG-04")
def test_an_action_for_some_records_is_greyed_out_and_refused_for_others(for_tickets: Any) -> None:
    def reason(object_type: str) -> str:
        entries = [entry for group in palette(object_type) for entry in group["actions"]]
        return str(next(entry["reason"] for entry in entries if entry["slug"] == "only_tickets"))

    def wrong(object_type: str) -> list[str]:
        steps = [step("one", "only_tickets")]
        document = {"format": 1, "object": object_type, "trigger": {"kind": "manual"}, "steps": steps}
        return [problem.path for problem in checking.errors(checking.problems(parse(document)))]

    assert reason("ticket") == "" and reason("contact")
    assert wrong("ticket") == [] and wrong("contact") == ["steps.0.action"]


def test_what_follows_a_failure_goes_round_by_file_op_and_undo(django_user_model: Any) -> None:
    ann = django_user_model.objects.create_user("ann")
    policy = {"retry": 2, "then": "stop"}
    given = {**step("edit", "edit_record", property="city", value="X"), "on_failure": policy}
    workflow = drafting.create("X", "contact", ann, {"format": 1, "steps": [given]})

    def now_is() -> Any:
        return drafting.shown(Workflow.objects.get(pk=workflow.pk)).definition["steps"][0].get("on_failure")

    def apply(value: Any) -> None:
        op = {"op": "update", "step": "edit", "on_failure": value}
        drafting.apply(workflow, op, rev=drafting.draft_of(workflow).rev, user=ann, now=NOW)

    assert now_is() == policy
    apply({"retry": 5})
    assert now_is() == {"retry": 5}
    apply(None)
    assert now_is() is None
    drafting.undo(workflow, rev=drafting.draft_of(workflow).rev, user=ann, now=NOW)
    assert now_is() == {"retry": 5}
    drafting.undo(workflow, rev=drafting.draft_of(workflow).rev, user=ann, now=NOW)
    assert now_is() == policy
    with pytest.raises(DocumentError, match="21"):
        apply({"retry": 21})
    assert now_is() == policy
