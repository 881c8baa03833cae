"""Values of other records in the steps of a workflow: which record it is, and what it costs to find it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Company, Contact, Deal, Task, Ticket, User
from records.associations import associate
from records.models import Association
from tests.workflows.building import NOW, Outcome, enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import StepExecution

pytestmark = pytest.mark.django_db
NEWEST = {"id": "newest", "name": "Newest deal", "object": "deal", "condition": "association"}


def run(text: str, sources: list[dict[str, Any]], *records: Any, object_type: str = "contact") -> dict[int, str]:
    """A task with the text as its title for each record: the titles, by the record's id."""
    make = step("t", "create_task", title=text)
    enroll(make_workflow([make], object_type, sources=sources), [record.pk for record in records])
    assert run_due(NOW, limit=1_000) == len(records)
    linked = Association.objects.filter(from_type=object_type, to_type="task")
    titles = dict(Task.objects.values_list("pk", "title"))
    return {row.from_id: titles[row.to_id] for row in linked}


def deals_of(contact: Contact, *names: str, label: str = "") -> list[Deal]:
    """Deals updated and created one day after another, in the order of their names."""
    made = []
    for day, name in enumerate(names, start=1):
        deal = Deal.objects.create(name=name)
        associate("contact", "deal", [(contact.pk, deal.pk)], label)
        at = dt.datetime(2026, 1, day, tzinfo=dt.UTC)
        Deal.objects.filter(pk=deal.pk).update(created_at=at, updated_at=at)
        made.append(deal)
    return made


@pytest.mark.covers("DAT-02", "DAT-08", "DAT-12", "DAT-21")
def test_of_several_associated_records_one_is_picked_as_was_chosen() -> None:
    ann, ben = Contact.objects.create(first_name="Ann"), Contact.objects.create(first_name="Ben")
    first, _second, last = deals_of(ann, "First", "Second", "Last")
    Deal.objects.filter(pk=first.pk).update(updated_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC))
    Deal.objects.filter(pk=last.pk).update(deleted_at=NOW)
    sources = [
        NEWEST | {"pick": "last_updated"},
        NEWEST | {"id": "made", "name": "B", "pick": "last_created"},
        NEWEST | {"id": "oldest", "name": "C", "pick": "first_created"},
    ]
    text = "{{ contact.first_name }}: {{ newest.name }}, {{ made.name }}, {{ oldest.name | default: 'none' }}"
    assert run(text, sources, ann, ben) == {ann.pk: "Ann: First, Second, First", ben.pk: "Ben: , , none"}


@pytest.mark.covers("DAT-09")
def test_a_label_narrows_the_associated_records() -> None:
    ann = Contact.objects.create()
    deals_of(ann, "Plain")
    deals_of(ann, "Decided", label="decision maker")
    sources = [NEWEST | {"label": "decision maker"}]
    assert run("{{ newest.name }}", sources, ann) == {ann.pk: "Decided"}


@pytest.mark.covers("DAT-10")
def test_records_are_found_by_a_value_they_share_with_the_enrolled_one() -> None:
    ann, ben, cy = (Contact.objects.create(city=city) for city in ("Lund ", "Ystad", ""))
    for name, city in (("South", "lund"), ("Far", "Kiruna"), ("Blank", "")):
        Company.objects.create(name=name, city=city)
    sources = [
        {"id": "near", "name": "Near", "object": "company", "condition": "property_match", "property": "city",
         "same_as": "city", "pick": "last_created"},
        {"id": "twin", "name": "Twin", "object": "contact", "condition": "property_match", "property": "city",
         "same_as": "city"},
    ]  # fmt: skip
    twin = Contact.objects.create(city="YSTAD", first_name="Twin")
    found = run("{{ near.name }}|{{ twin.first_name }}", sources, ann, ben, cy, twin)
    assert found == {ann.pk: "South|", ben.pk: "|Twin", cy.pk: "|", twin.pk: "|"}


@pytest.mark.covers("DAT-11")
def test_a_record_is_found_by_a_fixed_value_for_every_enrolled_one() -> None:
    ann, ben = Contact.objects.create(), Contact.objects.create()
    amy = User.objects.create(username="amy", first_name="Amy", last_name="Ek", email="amy@example.com")
    Company.objects.create(name="ABC12345", employees=7, owner=amy)
    sources = [
        {"id": "listing", "name": "Listing", "object": "company", "condition": "property_equals", "property": "name",
         "value": " abc12345"},
        {"id": "seven", "name": "Seven", "object": "company", "condition": "property_equals", "property": "employees",
         "value": "7"},
    ]  # fmt: skip
    text = "{{ listing.employees }} {{ seven.name }} {{ listing.owner.email }}"
    assert set(run(text, sources, ann, ben).values()) == {"7 ABC12345 amy@example.com"}


@pytest.mark.covers("DAT-03")
def test_workflows_for_the_main_types_have_the_others_as_sources_the_primary_one_first() -> None:
    deal = Deal.objects.create(name="Big")
    primary, later = Company.objects.create(name="Primary"), Company.objects.create(name="Later")
    associate("deal", "company", [(deal.pk, primary.pk)], "primary")
    associate("deal", "company", [(deal.pk, later.pk)])
    ticket = Ticket.objects.create(subject="Broken")
    associate("deal", "ticket", [(deal.pk, ticket.pk)])
    text = "{{ company.name }}/{{ ticket.subject }}/{{ contact.email }}"
    assert run(text, [], deal, object_type="deal") == {deal.pk: "Primary/Broken/"}


@pytest.mark.covers("DAT-24")
def test_the_time_of_an_association_is_a_value_too() -> None:
    ann = Contact.objects.create()
    [deal] = deals_of(ann, "Only")
    Association.objects.filter(to_id=deal.pk, to_type="deal").update(
        created_at=dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)
    )
    assert run("{{ newest.associated_at | date: '%Y-%m-%d' }}", [NEWEST], ann) == {ann.pk: "2026-03-04"}


@pytest.mark.covers("DAT-23")
def test_a_source_is_looked_for_when_a_step_runs_not_when_the_record_enrolls() -> None:
    ann = Contact.objects.create()
    older, newer = deals_of(ann, "Older", "Newer")
    steps = [
        step("a", "create_task", title="{{ newest.name }}"),
        # What a step does to another record decides which one the next step finds.
        step("wait", "delay", days=1),
        step("b", "create_task", title="{{ newest.name }}"),
    ]
    enroll(make_workflow(steps, sources=[NEWEST]), [ann.pk])
    run_due(NOW)
    Deal.objects.filter(pk=older.pk).update(updated_at=NOW)
    run_due(NOW + dt.timedelta(days=1))
    assert list(Task.objects.order_by("pk").values_list("title", flat=True)) == ["Newer", "Older"]
    assert newer.name == "Newer"


def test_hundreds_of_records_cost_as_many_statements_as_a_few_and_unused_sources_none() -> None:
    sources = [
        NEWEST,
        {"id": "near", "name": "Near", "object": "company", "condition": "property_match", "property": "city",
         "same_as": "city"},
    ]  # fmt: skip
    unused = [NEWEST | {"id": f"unused_{i}", "name": f"U{i}"} for i in range(20)]

    def queries(count: int, text: str, *more: dict[str, Any]) -> int:
        people = Contact.objects.bulk_create(Contact(city=f"C{i % 7}", custom={}) for i in range(count))
        deals = Deal.objects.bulk_create(Deal(name=f"D{i}", custom={}) for i in range(count))
        associate("contact", "deal", [(one.pk, two.pk) for one, two in zip(people, deals, strict=True)])
        workflow = make_workflow([step("t", "create_task", title=text)], sources=[*sources, *more])
        enroll(workflow, [one.pk for one in people])
        with CaptureQueriesContext(connection) as captured:
            assert run_due(NOW, limit=1_000) == count
        return len(captured)

    text = "{{ newest.name }} {{ near.name }}"
    queries(1, text)
    few = queries(3, text)
    assert queries(500, text) == few
    assert queries(3, text, *unused) == few
    assert queries(3, "{{ contact.city }}") < few


@pytest.mark.covers("CRM-03")
def test_a_value_of_a_source_is_copied_into_the_record_and_left_alone_where_there_is_none() -> None:
    ann, ben = Contact.objects.create(), Contact.objects.create(city="Ystad")
    firm = Company.objects.create(name="Firm", city="Lund")
    associate("contact", "company", [(ann.pk, firm.pk)])
    copy = step("s", "edit_record", property="city", copy_from="company.city")
    made = enroll(make_workflow([copy]), [ann.pk, ben.pk])
    run_due(NOW)
    assert list(Contact.objects.order_by("pk").values_list("city", flat=True)) == ["Lund", "Ystad"]
    skipped = StepExecution.objects.get(enrollment=made[1])
    assert (skipped.outcome, skipped.detail["reason"]) == (Outcome.SKIPPED, "nothing_to_copy")


def test_formulas_compute_with_values_of_sources() -> None:
    ann = Contact.objects.create()
    [deal] = deals_of(ann, "Only")
    Deal.objects.filter(pk=deal.pk).update(amount=40)
    steps = [
        step("sum", "format_data", format="formula", formula="newest.amount + 2"),
        step("t", "create_task", title="{{ output.sum.result }} {{ newest.name }}"),
    ]
    enroll(make_workflow(steps, sources=[NEWEST]), [ann.pk])
    run_due(NOW)
    assert Task.objects.get().title == "42 Only"
