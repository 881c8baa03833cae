"""Who is enrolled a second time: a ticked filter is met anew, and the trigger is met at that time."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Company, Contact, Deal
from records.associations import associate
from records.clock import database_now
from records.happening import Occurrence, happen
from records.problems import DocumentError
from tests.workflows.publishing_deals import (
    BIG,
    WAIT,
    boss,
    change,
    document,
    finish,
    history,
    inside,
    live,
    publish,
    settle,
)
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.enrollment.enrolling import enroll
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db

NAMED = {"property": "name", "operator": "is_equal_to_any_of", "value": ["A"]}
ENDED = [("completed", "completed")]


@pytest.fixture
def deal() -> Deal:
    return Deal.objects.create(name="A", amount=1)


def live_with(trigger: dict[str, Any], kind: str = "deal", **parts: Any) -> Workflow:
    definition = {"format": 1, "object": kind, "trigger": {"kind": "filter", **trigger}, "steps": [WAIT], **parts}
    workflow = drafting.create("Test", kind, boss(), definition=definition)
    publish(workflow)
    return workflow


@pytest.mark.covers("REN-06")
def test_ticked_filters_are_independent_of_each_other(deal):
    """The record met the trigger all along by another filter; the ticked one alone begins to be met."""
    criteria = {"any": [{"all": [BIG]}, {"all": [NAMED]}]}
    workflow = live_with({"criteria": criteria, "reenroll": ["any.0.all.0"]})
    change(deal, name="B")
    change(deal, name="A")
    finish(workflow)
    change(deal, amount=50)
    assert inside(workflow) == [deal.pk]


@pytest.mark.covers("REN-06", "REN-07")
def test_a_ticked_filter_that_was_met_already_enrolls_nobody_when_the_others_begin_to_be_met(deal):
    workflow = live(BIG, NAMED, reenroll=["any.0.all.0"])
    change(deal, amount=50)
    finish(workflow)
    change(deal, name="B")
    change(deal, name="A", amount=60)
    assert history(workflow, deal) == ENDED


@pytest.mark.covers("REN-06")
def test_a_ticked_filter_met_while_the_trigger_is_not_enrolls_nobody_later_either(deal):
    workflow = live(BIG, NAMED, reenroll=["any.0.all.0"])
    change(deal, amount=50)
    finish(workflow)
    change(deal, amount=1)
    change(deal, name="B")
    change(deal, amount=50)
    change(deal, name="A")
    assert history(workflow, deal) == ENDED


@pytest.mark.covers("REN-08")
def test_is_known_of_an_associated_record_counts_that_records_property_only(deal):
    company = Company.objects.create(name="One")
    associate("deal", "company", [(deal.pk, company.pk)])
    settle()
    known = {"association": "company", "all": [{"property": "name", "operator": "is_known"}]}
    workflow = live_with({"criteria": {"all": [BIG, known]}, "reenroll": ["all.1.all.0"]})
    change(deal, amount=50)
    finish(workflow)
    change(deal, name="B")
    assert inside(workflow) == []
    Company.objects.filter(pk=company.pk).update(name="Two")
    settle()
    assert inside(workflow) == [deal.pk]


@pytest.mark.covers("REN-09", "REN-07")
def test_an_event_that_occurs_again_enrolls_again_whatever_its_refinement_says():
    contact = Contact.objects.create(email="a@example.com")
    leaf = {"event": "page_viewed", "operator": "has_occurred", "refine": {"count": {"at_least": 2}}}
    leaf["where"] = [{"property": "url", "operator": "contains_any_of", "value": ["pricing"]}]
    workflow = live_with({"criteria": {"all": [leaf]}, "reenroll": ["all.0"]}, "contact")

    def view(url: str) -> None:
        happen("page_viewed", "contact", [Occurrence(contact.pk, {"url": url})], now=database_now())
        settle()

    view("https://example.com/pricing")
    assert inside(workflow) == []
    view("https://example.com/pricing")
    assert inside(workflow) == [contact.pk]
    view("https://example.com/pricing")
    finish(workflow)
    view("https://example.com/about")
    assert inside(workflow) == []
    view("https://example.com/pricing")
    assert inside(workflow) == [contact.pk]


@pytest.mark.covers("REN-03", "REN-04", "REN-05")
def test_activities_line_items_and_calculated_properties_cannot_be_ticked(deal):
    task = {"association": "task", "all": [{"property": "status", "operator": "is_known"}]}
    counted = {"property": "number_of_tasks", "operator": "is_greater_than", "value": 1}
    found = checking.problems(parse(document(BIG, task, counted, reenroll=["any.0.all.1", "any.0.all.1.all.0"])))
    assert [problem.path for problem in checking.errors(found)] == ["trigger.reenroll.0", "trigger.reenroll.1"]
    found = checking.problems(parse(document(BIG, counted, reenroll=["any.0.all.0", "any.0.all.1"])))
    (problem,) = checking.errors(found)
    assert (problem.path, problem.code) == ("trigger.reenroll.1", "cannot_reenroll")
    assert "Calculated properties" in problem.message

    line_item = {"association": "line_item", "all": [{"property": "name", "operator": "is_known"}]}
    found = checking.problems(parse(document(BIG, line_item, reenroll=["any.0.all.1", "any.0.all.1.all.0"])))
    assert [problem.path for problem in checking.errors(found)] == ["trigger.reenroll.0", "trigger.reenroll.1"]
    assert all("Line items cannot enroll again." in problem.message for problem in checking.errors(found))


@pytest.mark.covers("REN-13")
def test_a_schedule_has_no_reenrollment():
    trigger = {"kind": "schedule", "schedule": {"every": "day", "at": "09:00"}, "reenroll": ["all.0"]}
    with pytest.raises(DocumentError) as error:
        parse({"format": 1, "object": "deal", "trigger": trigger, "steps": []})
    assert [problem.path for problem in error.value.problems] == ["trigger.reenroll"]


@pytest.mark.covers("MAN-07", "REN-11")
def test_by_hand_a_record_enters_again_only_if_reenrollment_is_on_and_starts_at_the_top(deal):
    for again, expected in ((False, 1), (True, 2)):
        definition = {"format": 1, "object": "deal", "trigger": {"kind": "manual", "reenroll": again}, "steps": [WAIT]}
        workflow = drafting.create("By hand", "deal", boss(), definition=definition)
        publish(workflow)
        for _round in range(2):
            enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
            finish(workflow)
        assert Enrollment.objects.filter(workflow=workflow, status="completed").count() == expected
    enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    last = Enrollment.objects.get(workflow=workflow, status="active")
    assert (last.step, last.visit, last.outputs) == ("wait", 0, {})
