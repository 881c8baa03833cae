"""What is closed to who reads is not named: other workflows on canvases, in sentences and histories, hidden names."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal, User
from records.clock import database_now
from records.models import Access, PropertyAccess
from records.object_types import object_types
from tests.api.conftest import client_of
from tests.workflows.publishing_deals import boss, settle
from tests.workflows.restricted import RAISE, RENAME, document, member
from workflows import drafting
from workflows.admin.meant import meant
from workflows.engine.taking_steps import run_due
from workflows.enrollment.enrolling import enroll
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db
NAME = "Layoffs in spring"
CLOSED = "a workflow you have no access to"


def page(user: User, name: str, pk: int, query: str = "") -> str:
    client = Client()
    client.force_login(user)
    reply = client.get(f"{reverse(f'admin:{name}', args=[pk])}{query}")
    assert reply.status_code == 200
    return reply.content.decode()


def live(name: str, *steps: dict[str, object]) -> Workflow:
    workflow = drafting.create(name, "deal", boss(), document(*steps))
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


@pytest.mark.covers("PRM-09")
def test_a_workflow_that_is_closed_is_not_named_by_steps_filters_and_events_of_another():
    closed = live(NAME, RAISE)
    una = member("una", Access.NONE)
    asks = {"workflow": str(closed.pk), "operator": "is_enrolled"}
    steps = [
        {"id": "go", "action": "go_to_workflow", "params": {"workflow": str(closed.pk)}},
        {"id": "until", "action": "delay_until_event", "params": {
            "event": "workflow_completed", "workflow": str(closed.pk), "max_wait": {"days": 1},
        }},
        {"id": "split", "action": "branch", "branches": [
            {"name": "In", "criteria": {"all": [asks]}, "steps": []}, {"name": "Otherwise", "steps": []},
        ]},
    ]  # fmt: skip
    open_one = live("Open", *steps)
    deal = Deal.objects.create(name="A")
    settle()
    enroll(open_one, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    run_due(database_now())
    enrollment = Enrollment.objects.get(workflow=open_one)
    places = [("workflow_editor", open_one.pk), ("workflow_outline", open_one.pk)]
    places.append(("workflows_enrollment_change", enrollment.pk))
    for name, pk in places:
        assert NAME in page(boss(), name, pk), name
    # It enrolls in one she may not change, so she reads this one only; and it is not named.
    for name, pk in places:
        shown = page(una, name, pk)
        assert NAME not in shown and CLOSED in shown, name
    history = client_of(una).send("GET", f"enrollments/{enrollment.pk}/").document["history"]
    assert NAME not in str(history) and CLOSED in str(history)
    assert NAME in str(client_of(boss()).send("GET", f"enrollments/{enrollment.pk}/").document["history"])


def test_records_are_not_found_by_a_name_that_is_hidden():
    una = member("una", None)
    deal = Deal.objects.create(name="Secret")
    kind = object_types["deal"]
    assert list(meant(kind, "ecre", una)) == [deal]
    PropertyAccess.objects.create(group=una.groups.get(), object_type="deal", property="name", level=Access.NONE)
    una = User.objects.get(pk=una.pk)
    assert list(meant(kind, "ecre", una)) == []
    assert list(meant(kind, str(deal.pk), una)) == [deal]
    workflow = live("W", RENAME | {"action": "end", "params": {}})
    shown = page(una, "workflow_diagnose", workflow.pk, "?q=ecre")
    assert "Secret" not in shown and "No record" in shown
    assert "Secret" not in page(una, "workflow_diagnose", workflow.pk, f"?record={deal.pk}")
