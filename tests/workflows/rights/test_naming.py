"""What is closed to who reads is not named: other workflows on canvases, in sentences and histories, hidden names."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal, User
from records.clock import database_now
from records.models import Access, PropertyAccess
from records.object_types import object_types
from tests.api.conftest import client_of, person
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


@pytest.mark.covers("PRM-09")
def test_who_enrolls_here_is_told_without_its_name_where_it_is_closed(client: Client) -> None:
    target = live("Target", RENAME)
    go = {"id": "go", "action": "go_to_workflow", "params": {"workflow": str(target.pk)}}
    live("Open", go)
    live(NAME, RAISE, go)
    una = member("una", Access.NONE)
    asks = (
        f"{reverse('admin:workflow_switch')}?to=off&id={target.pk}",
        reverse("admin:workflow_remove", args=[target.pk]),
    )  # fmt: skip
    for address in asks:
        client.force_login(boss())
        assert NAME in client.get(address).content.decode()
        client.force_login(una)
        shown = client.get(address).content.decode()
        assert NAME not in shown and "“Open” enrolls records here" in shown
        assert "1 workflow you have no access to enrolls records here" in shown


def test_records_are_neither_named_nor_found_by_name_where_their_type_may_not_be_seen(client: Client) -> None:
    workflow, deal = live("W", RENAME), Deal.objects.create(name="Secret")
    enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    enrollment = Enrollment.objects.get(workflow=workflow)
    clerk = person("clerk", "workflows.view_enrollment", "workflows.publish_workflow", is_staff=True)
    history = f"{reverse('admin:workflows_enrollment_changelist')}?workflow__id__exact={workflow.pk}"

    def found(user: User, query: str) -> list[str]:
        client.force_login(user)
        return [row.name for row in client.get(history + query).context["rows"]]

    assert found(boss(), "") == found(boss(), "&q=ecre") == found(boss(), f"&q={deal.pk}") == ["Secret"]
    assert found(clerk, "") == found(clerk, f"&q={deal.pk}") == [f"#{deal.pk}"]
    assert found(clerk, "&q=ecre") == []
    asked = client.post(reverse("admin:enrollment_unenroll"), {"enrollment": enrollment.pk}).content.decode()
    assert f"#{deal.pk}" in asked and "Secret" not in asked
    # What steps did tells values: as the page about one of them, these are not for them.
    for name, pk in (("workflow_log", workflow.pk), ("workflows_enrollment_change", enrollment.pk)):
        assert client.get(reverse(f"admin:{name}", args=[pk])).status_code == 403
