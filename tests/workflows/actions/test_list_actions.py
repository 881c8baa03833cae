"""Steps that add to static lists and remove from them."""

from __future__ import annotations

import pytest

from crm.models import Contact
from records.lists import keeping, members
from records.object_types import object_types
from records.problems import DocumentError
from tests.api.conftest import person
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from tests.workflows.publishing_deals import boss
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Enrollment, StepExecution

pytestmark = pytest.mark.django_db
CONTACT = "contact"


@pytest.fixture
def vip(db):
    return keeping.create(object_types[CONTACT], "VIP", now=NOW)


@pytest.fixture
def people(db):
    return [Contact.objects.create(email=f"{name}@example.com") for name in "ab"]


def run(document, records):
    made = enroll(make_workflow([document]), [record.pk for record in records])
    run_due(NOW)
    return [log_of(one)[0][1] for one in made], StepExecution.objects.filter(enrollment__in=made)


def member_ids(found):
    return set(members.members_of(found).values_list("record_id", flat=True))


def document(*steps, **facts):
    return {"format": 1, "name": "W", "object": CONTACT, "trigger": {"kind": "manual"}, "steps": list(steps)} | facts


def problems(step_document, user=None, **facts):
    found = checking.problems(parse(document(step_document, **facts)), user=user)
    return {problem.path: str(problem.message) for problem in found}


@pytest.mark.covers("MKT-03")
def test_contacts_are_added_once_and_who_is_there_already_is_told(vip, people):
    members.add(vip, [people[0].pk], now=NOW)
    outcomes, lines = run(step("l", "add_to_list", list="vip"), people)
    assert outcomes == ["skipped", "success"] and member_ids(vip) == {one.pk for one in people}
    assert [line.detail.get("reason") for line in lines.order_by("id")].count("in_list") == 1


@pytest.mark.covers("MKT-04")
def test_contacts_are_removed_and_who_was_not_there_is_told(vip, people):
    members.add(vip, [people[0].pk], now=NOW)
    outcomes, _lines = run(step("l", "remove_from_list", list="vip"), people)
    assert outcomes == ["success", "skipped"] and member_ids(vip) == set()


@pytest.mark.covers("MKT-03")
def test_only_static_lists_of_the_same_records_can_be_chosen(vip):
    keeping.create(object_types["deal"], "Deals", now=NOW)
    german = {"all": [{"property": "country", "operator": "is_known"}]}
    keeping.create(object_types[CONTACT], "German", now=NOW, criteria=german)
    place = "steps.0.params.list"
    assert problems(step("l", "add_to_list", list="vip")) == {}
    assert "vip" in problems(step("l", "add_to_list", list="deals"))[place]
    assert "static" in problems(step("l", "add_to_list", list="german"))[place]
    assert place in problems(step("l", "remove_from_list"))
    assert "steps.0.action" in problems(step("l", "add_to_list", list="vip"), object="conversation")


def test_a_list_that_is_gone_fails_the_step_with_a_sentence(vip, people):
    workflow = make_workflow([step("l", "add_to_list", list="vip")])
    vip.delete()
    [made] = enroll(workflow, [people[0].pk])
    run_due(NOW)
    detail = StepExecution.objects.get(enrollment=made).detail
    assert "vip" in detail["error"]


@pytest.mark.covers("MKT-03")
def test_who_is_added_enters_the_workflows_that_wait_for_the_list(vip, people):
    trigger = {"kind": "filter", "criteria": {"any": [{"all": [{"list": "vip", "operator": "is_member"}]}]}}
    waiting = drafting.create("W", CONTACT, boss(), document(step("e", "end"), trigger=trigger))
    publishing.publish(waiting, by=boss(), now=NOW, enroll_existing=False)
    run(step("l", "add_to_list", list="vip"), people)
    dispatch(NOW)
    assert set(Enrollment.objects.filter(workflow=waiting).values_list("record_id", flat=True)) == {
        one.pk for one in people
    }


def test_a_workflow_that_adds_to_the_list_of_its_own_trigger_is_warned_about(vip):
    trigger = {
        "kind": "filter", "criteria": {"any": [{"all": [{"list": "vip", "operator": "is_not_member"}]}]},
        "reenroll": ["any.0.all.0"],
    }  # fmt: skip
    found = checking.problems(parse(document(step("l", "remove_from_list", list="vip"), trigger=trigger)))
    assert "own_trigger" in {problem.code for problem in found}


def test_a_list_that_a_step_uses_is_not_deleted_and_its_workflow_is_named(vip):
    drafting.create("Welcome", CONTACT, boss(), document(step("l", "add_to_list", list="vip")))
    with pytest.raises(DocumentError, match="Welcome"):
        keeping.delete(vip)


def test_who_may_not_change_lists_does_not_publish_a_step_that_does(vip):
    rights = ("workflows.publish_workflow", "crm.view_contact")
    document = step("l", "add_to_list", list="vip")
    assert "steps.0.params.list" in problems(document, person("una", *rights))
    assert problems(document, person("bob", *rights, "records.change_recordlist")) == {}
