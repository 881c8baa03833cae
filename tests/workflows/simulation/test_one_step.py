"""A step tried alone does its work for a record, sends nothing and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from crm.models import Contact
from tests.workflows.building import NOW, make_workflow, step
from tests.workflows.simulation.test_simulating import rows
from workflows.simulation.one_step import try_step

pytestmark = pytest.mark.django_db
MAIL = {"to": ["owner"], "subject": "About {{ contact.first_name }}", "body": "Lives in {{ contact.city }}"}


@pytest.fixture
def contact(admin_user: Any) -> Contact:
    return Contact.objects.create(email="ann@example.com", first_name="Ann", city="Lund", owner=admin_user)


def test_a_message_is_told_as_it_would_be_sent_whatever_stands_around_the_step(
    contact: Contact, admin_user: Any
) -> None:
    ways = [{"name": "Never", "steps": [step("mail", "send_internal_email", **MAIL)]}, {"name": "Else", "steps": []}]
    workflow = make_workflow([step("wait", "delay", days=2), step("split", "branch", ways), step("end", "end")])
    before = rows()
    result = try_step(workflow.live, "mail", contact.pk, user=admin_user, now=NOW)
    assert [(message.kind, message.subject, message.text.strip()) for message in result.messages] == [
        ("mail", "About Ann", "Lives in Lund")
    ]
    assert [(line.step, line.outcome, line.at) for line in result.lines if line.step] == [("mail", "success", NOW)]
    assert rows() == before


def test_a_step_that_is_not_set_up_says_so(contact: Contact, client: Client, admin_client: Client) -> None:
    workflow = make_workflow([step("mail", "send_internal_email", subject="", body="")])
    url = reverse("admin:workflow_try_step", args=[workflow.pk])
    page = admin_client.post(url, {"step": "mail", "record": str(contact.pk)}).content.decode()
    assert "Failed:" in page and "Ann" in page
    assert admin_client.post(url, {"step": "gone"}).status_code == 404
    assert admin_client.get(url).status_code == 405
    assert "has this name or id" in admin_client.post(url, {"step": "mail", "record": "Zz"}).content.decode()


def test_who_may_not_see_the_records_cannot_try_a_step_with_them(contact: Contact, client: Client) -> None:
    workflow = make_workflow([step("mail", "send_internal_email", **MAIL)])
    user = get_user_model().objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_workflow"))
    client.force_login(user)
    page = client.post(reverse("admin:workflow_try_step", args=[workflow.pk]), {"step": "mail"}).content.decode()
    assert "You may not see contacts" in page and "Ann" not in page
