"""What would be told by the way: audit entries, copied steps and why a branch was taken keep to the rights, too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Company, Deal
from records.associations import associate
from records.clock import database_now
from records.models import Access, PropertyDefinition, Scope
from tests.api.conftest import SCOPES, client_of
from tests.workflows.publishing_deals import boss, settle
from tests.workflows.restricted import MANUAL, RAISE, RENAME, changed, made, member, published
from workflows.engine.taking_steps import run_due
from workflows.enrollment.enrolling import enroll
from workflows.models import StepExecution

pytestmark = pytest.mark.django_db
NAME = "Layoffs in spring"


@pytest.mark.covers("PRM-10")
def test_the_audit_log_of_a_workflow_with_sensitive_properties_takes_their_scope() -> None:
    PropertyDefinition.objects.create(
        object_type="deal", slug="diagnosis", label="Diagnosis", type="text", sensitive=True
    )
    marks = {"id": "mark", "action": "edit_record", "params": {"property": "diagnosis", "value": "flu"}}
    plain, live, drafted = published(RENAME), published(marks), made(RENAME)
    changed(drafted, marks, by=boss())
    with_it, without = client_of(boss()), client_of(boss(), *(one for one in SCOPES if one != Scope.SENSITIVE))
    told = {one["workflow"] for one in with_it.send("GET", "audit/").document["results"]}
    assert told == {plain.pk, live.pk, drafted.pk}
    reply = without.send("GET", "audit/")
    assert {one["workflow"] for one in reply.document["results"]} == {plain.pk}
    assert "flu" not in json.dumps(reply.document)
    assert without.send("GET", f"audit/?workflow={live.pk}").document["results"] == []


@pytest.mark.covers("PRM-09")
def test_steps_on_the_clipboard_do_not_name_a_closed_workflow() -> None:
    closed = published(RAISE)
    closed.name = NAME
    closed.save()
    workflow = published({"id": "go", "action": "go_to_workflow", "params": {"workflow": str(closed.pk)}})
    copy = f"{reverse('admin:workflow_outline', args=[workflow.pk])}?copy=go"
    for user, named in ((boss(), True), (member("una", Access.NONE), False)):
        client = Client()
        client.force_login(user)
        reply = client.get(copy)
        assert reply.status_code == 200 and "headrace.steps" in reply.content.decode()
        assert (NAME in reply.content.decode()) is named


@pytest.mark.covers("HIS-13")
def test_why_a_branch_was_taken_is_not_told_by_what_the_person_may_not_see() -> None:
    """Whether the filters of a branch are met now tells of the company they look at."""
    software = {"property": "industry", "operator": "is_equal_to_any_of", "value": ["software"]}
    reads: dict[str, Any] = {"association": "company", "all": [software]}
    own = {"property": "name", "operator": "is_known"}
    ways = [
        {"name": "Software", "criteria": {"any": [{"all": [reads]}]}, "steps": []},
        {"name": "Named", "criteria": {"any": [{"all": [own]}]}, "steps": []},
        {"name": "Otherwise", "steps": []},
    ]
    company, deal = Company.objects.create(name="C", industry="retail"), Deal.objects.create(name="A")
    associate("deal", "company", [(deal.pk, company.pk)])
    workflow = published({"id": "split", "action": "branch", "params": {}, "branches": ways}, trigger=MANUAL)
    settle()
    enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    while run_due(database_now()):
        pass
    line = StepExecution.objects.get(step="split")
    una = member("una", None)
    shown = {}
    for user in (boss(), una):
        client = Client()
        client.force_login(user)
        reply = client.get(reverse("admin:enrollment_event", args=[line.pk]))
        assert reply.status_code == 200
        shown[user.username] = [len(way.leaves) for way in reply.context["reason"].ways]
    assert shown == {"boss": [2, 1, 0], "una": [0, 1, 0]}
