"""A test with a real record does what the workflow would do, and leaves nothing behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from crm.models import Company, Contact
from records.associations import associate
from records.problems import DocumentError
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.models import Enrollment, Workflow
from workflows.simulation.simulating import Simulation, simulate

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(admin_user: Any) -> Any:
    return admin_user


@pytest.fixture
def contact(admin_user: Any) -> Contact:
    return Contact.objects.create(email="ann@example.com", first_name="Ann", city="Lund", owner=admin_user)


def rows() -> dict[str, int]:
    """How many rows every table of the product has."""
    return {model._meta.db_table: model._default_manager.count() for model in apps.get_models() if model._meta.managed}


def run(workflow: Workflow, contact: Contact, user: Any, **instead: str) -> Simulation:
    assert workflow.live is not None
    return simulate(workflow.live, contact.pk, user=user, now=NOW, instead=instead)


def came_by(result: Simulation) -> list[tuple[str, str]]:
    return [(line.step, line.outcome) for line in result.lines]


def branching() -> list[dict[str, Any]]:
    lund = {"all": [{"property": "city", "operator": "is_equal_to_any_of", "value": ["Lund"]}]}
    mail = {"to": ["owner"], "subject": "{{ contact.city }}", "body": "Hi"}
    task = step("task", "create_task", title="Call {{ contact.first_name }}")
    ways = [
        {"name": "Lund", "criteria": lund, "steps": [task]},
        {"name": "Else", "steps": [step("mail", "send_internal_email", **mail)]},
    ]  # fmt: skip
    bell = {"users": ["owner"], "teams": [], "title": "Done with {{ contact.first_name }}", "body": ""}
    return [step("wait", "delay", days=2), step("split", "branch", ways), step("bell", "send_notification", **bell)]


@pytest.mark.detail(21)
def test_it_tells_every_step_without_waiting_and_leaves_no_row(contact: Contact, person: Any) -> None:
    workflow = make_workflow(branching())
    before = rows()
    result = run(workflow, contact, person)
    assert rows() == before
    assert came_by(result) == [
        ("wait", "waiting"), ("wait", "success"), ("split", "success"), ("task", "success"), ("bell", "success"),
        ("", "success"),
    ]  # fmt: skip
    assert [(line.at - NOW).days for line in result.lines] == [0, 2, 2, 2, 2, 2]
    assert "Call Ann" in result.lines[3].sentence
    assert "<a" not in "".join(line.sentence for line in result.lines)
    assert [(one.kind, one.subject) for one in result.messages] == [("notification", "Done with Ann")]


@pytest.mark.detail(21)
def test_what_if_the_record_had_other_values(contact: Contact, person: Any) -> None:
    workflow = make_workflow(branching())
    result = run(workflow, contact, person, city="Oslo")
    assert result.path == ["wait", "split", "mail", "bell"]
    assert [(one.kind, one.subject) for one in result.messages] == [
        ("mail", "Oslo"),
        ("notification", "Done with Ann"),
    ]
    contact.refresh_from_db()
    assert contact.city == "Lund"


def test_a_record_that_is_inside_can_be_tested_and_stays_where_it_stands(contact: Contact, person: Any) -> None:
    workflow = make_workflow(branching())
    [inside] = enroll(workflow, [contact.pk])
    assert run(workflow, contact, person).path[-1] == "bell"
    inside.refresh_from_db()
    assert (Enrollment.objects.count(), inside.step, inside.status) == (1, "wait", "active")


def test_steps_without_settings_are_told_as_such(contact: Contact, person: Any) -> None:
    workflow = make_workflow([step("task", "create_task"), step("last", "end")])
    assert came_by(run(workflow, contact, person))[0] == ("task", "failed")


def test_a_wait_without_an_end_ends_the_test_with_a_sentence(contact: Contact, person: Any) -> None:
    happens = step("until", "delay_until_event", event="property_changed", property="city", days=None)
    result = run(make_workflow([happens]), contact, person)
    assert came_by(result) == [("until", "waiting")]
    assert "the test ends" in result.ended


@pytest.mark.parametrize(
    ("slug", "value"), [("city", "x" * 10_000), ("no_such", "1"), ("created_at", "today"), ("id", "7")]
)
def test_values_that_cannot_be_are_refused(contact: Contact, person: Any, slug: str, value: str) -> None:
    workflow = make_workflow(branching())
    before = rows()
    with pytest.raises(DocumentError):
        run(workflow, contact, person, **{slug: value})
    assert rows() == before


def test_a_record_that_is_not_there_is_refused(contact: Contact, person: Any) -> None:
    workflow = make_workflow(branching())
    contact.deleted_at = NOW
    contact.save()
    with pytest.raises(DocumentError, match="Choose another record"):
        run(workflow, contact, person)


def test_nobody_learns_by_a_test_what_they_may_not_see(contact: Contact) -> None:
    company = Company.objects.create(name="Secret")
    associate("contact", "company", [(contact.pk, company.pk)])
    named = {"all": [{"association": "company", "all": [{"property": "name", "operator": "is_known"}]}]}
    ways = [{"name": "Employed", "criteria": named, "steps": []}, {"name": "Else", "steps": []}]
    workflow = make_workflow([step("split", "branch", ways)])
    user = get_user_model().objects.create_user("seller", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_contact", "view_workflow"]))
    with pytest.raises(DocumentError, match="companies, which you may not see"):
        run(workflow, contact, user)
    user.user_permissions.add(Permission.objects.get(codename="view_company"))
    assert "Employed" in run(workflow, contact, get_user_model().objects.get(pk=user.pk)).lines[0].sentence


def test_nobody_learns_by_a_test_whether_a_record_they_may_not_see_has_a_value(contact: Contact) -> None:
    company = Company.objects.create(name="Secret", city="Lund")
    associate("contact", "company", [(contact.pk, company.pk)])
    change = {"property": "city", "value": "Lund", "of": "company"}
    workflow = make_workflow([step("edit", "edit_record", **change)])
    user = get_user_model().objects.create_user("seller", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_contact", "view_workflow"]))
    with pytest.raises(DocumentError, match="companies, which you may not see"):
        run(workflow, contact, user)


@pytest.mark.django_db(transaction=True)
def test_a_record_somebody_else_holds_is_said_to_be_busy(contact: Contact, person: Any) -> None:
    workflow = make_workflow(branching())
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Contact.objects.filter(pk=contact.pk).update(city="Malmö")
            held.set()
            release.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(60)
        with pytest.raises(DocumentError, match="Try again"):
            run(workflow, contact, person, city="Oslo")
    finally:
        release.set()
        holder.join()
    assert run(workflow, contact, person).path[2] == "mail"


def test_the_page_shows_the_way_and_the_messages(contact: Contact, admin_client: Client) -> None:
    workflow = make_workflow(branching())
    address = reverse("admin:workflow_simulation", args=[workflow.pk])
    assert f"?record={contact.pk}" in admin_client.get(f"{address}?q=ann").content.decode()
    sent = {"property": ["city", "", ""], "value": ["Oslo", "", ""]}
    page = admin_client.post(f"{address}?record={contact.pk}", sent).content.decode()
    assert "Messages that would go out" in page
    assert page.count('class="path-box lit success"') == 5
    wrong = admin_client.post(
        f"{address}?record={contact.pk}", {"property": "owner", "value": "nobody"}
    ).content.decode()
    assert 'role="alert"' in wrong
    assert admin_client.get(f"{address}?record=²").status_code == 200


def test_who_may_not_see_the_records_may_not_test(contact: Contact, client: Client) -> None:
    workflow = make_workflow(branching())
    user = get_user_model().objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_workflow"))
    client.force_login(user)
    assert (
        client.post(reverse("admin:workflow_simulation", args=[workflow.pk]) + f"?record={contact.pk}").status_code
        == 403
    )
