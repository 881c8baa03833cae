"""Things go while records are on their way: each goes on, or ends, with a sentence that says why."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from crm.models import Contact, Deal, Task, Team, TeamMembership, User
from records.clock import database_now
from records.models import PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from records.saving import delete_records
from tests.stories.promises import broken_promises
from tests.workflows.building import enroll, log_of, make_workflow, step
from tests.workflows.publishing_deals import BIG, boss, live
from workflows.engine.taking_steps import run_due
from workflows.history.telling import path_of
from workflows.lifecycle import switching
from workflows.models import AuditEntry, Enrollment, StepExecution, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _promises_hold(db: None) -> Any:
    yield
    assert broken_promises() == {}


def split(criteria: dict[str, Any]) -> dict[str, Any]:
    inside = [step("yes", "create_task", title="Yes")]
    return step("split", "branch", [{"name": "Yes", "criteria": criteria, "steps": inside}, {"name": "No"}])


def run(workflow: Workflow) -> None:
    while run_due(database_now()):
        pass


def sentences(workflow: Workflow) -> str:
    return " ".join(str(line.sentence) for one in workflow.enrollments.all() for line in path_of(one))


def test_a_branch_goes_on_when_a_user_it_names_is_gone() -> None:
    ann = User.objects.create_user("ann")
    mine, other = (Deal.objects.create(name=name, owner=owner) for name, owner in (("A", ann), ("B", None)))
    asked = {"all": [{"property": "owner", "operator": "is_any_of", "value": ["ann"]}]}
    workflow = make_workflow([split(asked), step("after", "create_task", title="After")], "deal")
    enrollments = enroll(workflow, [mine.pk, other.pk], now=database_now())
    ann.delete()
    run(workflow)
    for enrollment in enrollments:
        assert log_of(enrollment) == [("split", "success"), ("after", "success")]


def test_a_branch_that_asks_for_a_removed_property_fails_once_for_all() -> None:
    definition = PropertyDefinition.objects.create(object_type="deal", slug="size", label="Size", type="number")
    deals = Deal.objects.bulk_create(Deal(name=f"D{n}", custom={"size": n}) for n in range(40))
    asked = {"all": [{"property": "size", "operator": "is_greater_than", "value": 5}]}
    workflow = make_workflow([split(asked), step("after", "create_task", title="After")], "deal")
    enroll(workflow, [deal.pk for deal in deals], now=database_now())
    definition.delete()
    run(workflow)
    assert set(StepExecution.objects.filter(step="split").values_list("outcome", "detail__reason")) == {
        ("failed", "invalid_params")
    }
    assert Task.objects.filter(title="After").count() == 40
    assert "size" in sentences(workflow)


def test_an_emptied_team_leaves_the_records_to_nobody_and_says_so() -> None:
    team, seller = Team.objects.create(slug="north", name="North"), User.objects.create_user("seller")
    TeamMembership.objects.create(team=team, user=seller, main=True)
    first, second = (Deal.objects.create(name=name) for name in "AB")
    workflow = make_workflow([step("turn", "rotate_owner", team="north")], "deal")
    enroll(workflow, [first.pk], now=database_now())
    run(workflow)
    team.memberships.all().delete()
    enroll(workflow, [second.pk], now=database_now())
    run(workflow)
    assert dict(Deal.objects.values_list("name", "owner")) == {"A": seller.pk, "B": None}
    team.delete()
    third = Deal.objects.create(name="C")
    enroll(workflow, [third.pk], now=database_now())
    run(workflow)
    outcomes = StepExecution.objects.order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["success", "failed", "failed"]


def test_a_record_deleted_while_it_waits_leaves_and_does_not_come_back() -> None:
    contact = Contact.objects.create(email="a@example.com")
    workflow = make_workflow([step("wait", "delay", days=1), step("task", "create_task", title="Late")])
    [enrollment] = enroll(workflow, [contact.pk], now=database_now())
    run(workflow)
    delete_records(object_types["contact"], [contact.pk], actor=None)
    tick(database_now())
    Contact._base_manager.filter(pk=contact.pk).update(deleted_at=None)
    tick(database_now())
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.ended_reason) == ("unenrolled", "record_deleted")


def test_whoever_is_inside_leaves_when_the_workflow_is_deleted_in_the_admin(admin_client: Any) -> None:
    contact = Contact.objects.create(email="a@example.com")
    workflow = make_workflow([step("wait", "delay", days=1), step("task", "create_task", title="Late")])
    enroll(workflow, [contact.pk], now=database_now())
    run(workflow)
    url = reverse("admin:workflows_workflow_changelist") + f"{workflow.pk}/remove/"
    page = admin_client.get(url)
    assert "1 record is inside and will be unenrolled." in page.content.decode()
    admin_client.post(url)
    assert list(Enrollment.objects.values_list("status", "ended_reason")) == [("unenrolled", "workflow_deleted")]


def test_text_of_every_script_and_length_goes_through_the_steps() -> None:
    hostile = "\u202eevil\u202c a\u200bb 👩‍👩‍👧 {{ contact.email }} {% raw %} %s <script>"
    contact = Contact.objects.create(email="a@example.com", first_name=hostile)
    body = "{{ contact.first_name }} " + "å" * 9_000
    workflow = make_workflow(
        [step("note", "create_note", body=body), step("task", "create_task", title="{{ contact.first_name }}")]
    )
    enroll(workflow, [contact.pk], now=database_now())
    run(workflow)
    assert set(StepExecution.objects.values_list("outcome", flat=True)) == {"success"}
    assert "{{ contact.email }}" in Task.objects.get().title


def test_a_trigger_that_cannot_be_read_any_more_keeps_nobody_else_waiting() -> None:
    definition = PropertyDefinition.objects.create(object_type="deal", slug="size", label="Size", type="number")
    broken = live({"property": "size", "operator": "is_greater_than", "value": 5})
    working = live(BIG)
    definition.delete()
    deal = Deal.objects.create(name="A", amount=99, custom={"size": 9})
    tick(database_now())
    assert list(Enrollment.objects.values_list("workflow", "record_id")) == [(working.pk, deal.pk)]
    broken.refresh_from_db()
    entry = AuditEntry.objects.filter(workflow=broken, action="turned_off").get()
    assert (broken.status, entry.user) == ("off", None)
    assert "size" in entry.detail["because"]
    with pytest.raises(DocumentError, match="size"):
        switching.turn_on(broken, by=boss(), now=database_now())


def test_a_record_deleted_and_restored_before_anybody_looked_enters_what_it_meets_now() -> None:
    workflow = live(BIG)
    deal = Deal.objects.create(name="A", amount=1)
    tick(database_now())
    delete_records(object_types["deal"], [deal.pk], actor=None)
    Deal._base_manager.filter(pk=deal.pk).update(deleted_at=None, amount=99)
    tick(database_now())
    assert list(workflow.enrollments.values_list("status", flat=True)) == ["active"]
