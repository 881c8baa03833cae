"""Steps that label associations, and make them by matching values."""

from __future__ import annotations

import pytest

from crm.models import Company, Contact, Deal
from records.associations import associate, dissociate, ids_of
from records.clock import database_now
from records.models import Association
from tests.workflows.building import NOW, enroll, make_workflow, step
from tests.workflows.publishing_deals import boss
from workflows import drafting
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Enrollment, StepExecution

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact():
    return Contact.objects.create(email="a@example.com", job_title=" acme ")


@pytest.fixture
def companies():
    return [Company.objects.create(name=name) for name in ("Acme", "ACME", "Other")]


def run(document, record, object_type="contact"):
    [made] = enroll(make_workflow([document], object_type), [record.pk])
    run_due(NOW)
    line = StepExecution.objects.get(enrollment=made)
    return line.outcome, line.detail


def links(contact):
    rows = Association.objects.filter(from_type="contact", from_id=contact.pk, to_type="company")
    return {(row.to_id, row.label) for row in rows}


def problems(document, object_type="contact"):
    whole = {"format": 1, "name": "W", "object": object_type, "trigger": {"kind": "manual"}, "steps": [document]}
    return {
        problem.path.removeprefix("steps.0.params."): str(problem.message)
        for problem in checking.problems(parse(whole))
    }


@pytest.mark.covers("CRM-27")
def test_all_associated_companies_are_labelled_or_only_those_with_a_label(contact, companies):
    first, second, third = companies
    associate("contact", "company", [(contact.pk, first.pk), (contact.pk, second.pk)])
    associate("contact", "company", [(contact.pk, third.pk)], "former")
    assert run(step("a", "apply_label", of="company", label="former", new_label="archived"), contact)[0] == "success"
    assert links(contact) == {(first.pk, ""), (second.pk, ""), (third.pk, "former"), (third.pk, "archived")}
    outcome, detail = run(step("a", "apply_label", of="company", new_label="archived"), contact)
    assert (outcome, detail["records"]) == ("success", 2)
    assert links(contact) == {(one.pk, "archived") for one in companies} | {(third.pk, "former")}
    outcome, detail = run(step("a", "apply_label", of="company", new_label="archived"), contact)
    assert (outcome, detail["reason"]) == ("skipped", "same_label")


@pytest.mark.covers("CRM-28")
def test_a_label_is_replaced_or_gets_another_one_beside_it(contact, companies):
    first, second, _third = companies
    associate("contact", "company", [(contact.pk, first.pk)], "new")
    associate("contact", "company", [(contact.pk, second.pk)])
    run(step("u", "update_label", of="company", label="new", new_label="old", keep=True), contact)
    assert links(contact) == {(first.pk, "new"), (first.pk, "old"), (second.pk, "")}
    run(step("u", "update_label", of="company", label="new", new_label="gone"), contact)
    assert links(contact) == {(first.pk, "gone"), (first.pk, "old"), (second.pk, "")}
    run(step("u", "update_label", of="company", new_label="one"), contact)
    assert links(contact) == {(first.pk, "one"), (second.pk, "one")}


@pytest.mark.covers("CRM-29")
def test_a_removed_label_leaves_the_association(contact, companies):
    first, second, _third = companies
    for label in ("x", "y"):
        associate("contact", "company", [(contact.pk, first.pk)], label)
    associate("contact", "company", [(contact.pk, second.pk)])
    assert run(step("r", "remove_label", of="company", label="x"), contact)[0] == "success"
    assert links(contact) == {(first.pk, "y"), (second.pk, "")}
    assert run(step("r", "remove_label", of="company"), contact)[0] == "success"
    assert links(contact) == {(first.pk, ""), (second.pk, "")}
    assert run(step("r", "remove_label", of="company"), contact)[1]["reason"] == "no_label"


def test_only_one_company_becomes_the_primary_one(contact, companies):
    first, second, third = companies
    associate("contact", "company", [(contact.pk, one.pk) for one in (first, second)])
    associate("contact", "company", [(contact.pk, third.pk)], "primary")
    outcome, detail = run(step("a", "apply_label", of="company", new_label="primary"), contact)
    assert (outcome, detail["reason"]) == ("skipped", "several_primary")
    assert (third.pk, "primary") in links(contact)
    associate("contact", "company", [(contact.pk, second.pk)], "main")
    assert run(step("a", "update_label", of="company", label="main", new_label="primary"), contact)[0] == "success"
    assert links(contact) == {(first.pk, ""), (second.pk, ""), (second.pk, "primary"), (third.pk, "")}


def test_a_label_needs_associated_records():
    assert "of" in problems(step("a", "apply_label", new_label="x"))
    assert "of" in problems(step("a", "apply_label", of="contacts", new_label="x"))
    assert problems(step("a", "apply_label", of="company")).keys() == {"new_label"}
    assert problems(step("a", "remove_label", of="contact")) == {}


@pytest.mark.covers("CRM-25", "CRM-26")
def test_companies_with_the_contacts_company_name_are_associated_in_capitals_or_not(contact, companies):
    first, second, third = companies
    document = step(
        "c", "create_association", object="company", property="job_title", matches="name", label="employer"
    )
    associate("contact", "company", [(contact.pk, third.pk)])
    outcome, detail = run(document, contact)
    assert (outcome, detail["records"]) == ("success", 2)
    assert links(contact) == {(first.pk, "employer"), (second.pk, "employer"), (third.pk, "")}
    assert run(document, contact)[1]["reason"] == "linked_already"
    blank = Contact.objects.create(email="b@example.com")
    assert run(document, blank)[1]["reason"] == "nothing_to_match"
    blank.job_title = "Elsewhere"
    blank.save()
    assert run(document, blank)[1]["reason"] == "no_match"


@pytest.mark.covers("CRM-25")
def test_deals_are_matched_by_numbers_and_never_with_themselves():
    one, same, other = (Deal.objects.create(name=f"D{amount}", amount=amount) for amount in (5, 5, 7))
    contact = Contact.objects.create(email="a@example.com", lead_score=5)
    run(step("c", "create_association", object="deal", property="lead_score", matches="amount"), contact)
    assert ids_of("contact", [contact.pk], "deal") == {contact.pk: [one.pk, same.pk]}
    run(step("c", "create_association", object="deal", property="amount", matches="amount"), one, "deal")
    assert ids_of("deal", [one.pk, other.pk], "deal") == {one.pk: [same.pk]}


@pytest.mark.covers("CRM-26")
def test_what_can_never_be_the_same_is_refused_before_publishing():
    found = problems(step("c", "create_association", object="deal", property="job_title", matches="amount"))
    assert "never the same" in found["matches"]
    assert "object" in problems(step("c", "create_association", object="user", property="city", matches="name"))


@pytest.mark.parametrize("event", ["record_associated", "record_unassociated"])
def test_another_label_is_neither_an_association_made_nor_one_removed(contact, companies, event):
    first, second, _third = companies
    associate("contact", "company", [(contact.pk, first.pk)])
    trigger = {"kind": "event", "events": [{"event": event, "object": "company"}], "reenroll": True}
    document = {"format": 1, "name": "W", "object": "contact", "trigger": trigger, "steps": [step("e", "end")]}
    workflow = drafting.create("W", "contact", boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    assert run(step("a", "apply_label", of="company", new_label="x"), contact)[0] == "success"
    assert run(step("r", "remove_label", of="company"), contact)[0] == "success"
    dispatch(database_now())
    assert not Enrollment.objects.filter(workflow=workflow).exists()
    dissociate("contact", "company", [(contact.pk, first.pk)])
    associate("contact", "company", [(contact.pk, second.pk)])
    dispatch(database_now())
    assert Enrollment.objects.filter(workflow=workflow).count() == 1
