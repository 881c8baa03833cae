"""The step that deletes contacts."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm.models import Contact, Task
from tests.api.conftest import person
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from workflows.definitions import checking
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment
from workflows.simulation.simulating import simulate

pytestmark = pytest.mark.django_db
DELETE = step("d", "delete_contact")


def problems(*steps, user=None, kind="contact"):
    document = {"format": 1, "name": "W", "object": kind, "trigger": {"kind": "manual"}, "steps": list(steps)}
    return checking.problems(parse(document), user=user)


@pytest.mark.covers("CRM-19")
def test_a_deleted_contact_goes_no_further_and_is_restored_in_the_admin(admin_client):
    contact = Contact.objects.create(email="a@example.com")
    [made] = enroll(make_workflow([DELETE, step("t", "create_task", title="Call")]), [contact.pk])
    run_due(NOW)
    contact.refresh_from_db()
    assert contact.deleted_at == NOW and not Task.objects.exists()
    assert log_of(made) == [("d", "success")]
    assert Enrollment.objects.get(pk=made.pk).status == "completed"
    admin_client.post(reverse("admin:crm_contact_restore", args=[contact.pk]))
    contact.refresh_from_db()
    assert contact.deleted_at is None


@pytest.mark.covers("CRM-19")
def test_it_is_for_contacts_only_for_who_may_delete_them_and_warns_of_what_follows():
    assert [problem.path for problem in problems(DELETE, kind="company")] == ["steps.0.action"]
    rights = ("workflows.publish_workflow", "crm.view_contact")
    assert [problem.code for problem in problems(DELETE, user=person("una", *rights))] == ["forbidden"]
    assert problems(DELETE, user=person("bob", *rights, "crm.delete_contact")) == []
    assert [problem.severity for problem in problems(DELETE, step("e", "end"))] == ["warning"]


def test_a_test_with_a_contact_deletes_nobody(admin_user):
    contact = Contact.objects.create(email="a@example.com")
    told = simulate(make_workflow([DELETE]).live, contact.pk, user=admin_user, now=NOW)
    assert [line.outcome for line in told.lines][:1] == ["success"]
    contact.refresh_from_db()
    assert contact.deleted_at is None
