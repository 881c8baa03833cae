"""The list of workflows counts their problems once: later pages ask as little for fifty workflows as for none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.models import Team
from records.models import PropertyDefinition
from records.vocabulary import read_once
from tests.workflows.restricted import MANUAL, RENAME, document, made, published
from workflows import drafting
from workflows.admin import problem_counts
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
LIST = "/admin/workflows/workflow/"
TELL = {"id": "tell", "action": "send_notification", "params": {"title": "Hi", "teams": ["north"]}}
EDIT = {"id": "edit", "action": "edit_record", "params": {"property": "plan", "value": "Gold"}}
#: A whole page with its sidebar; before each of fifty rows asked for four more.
STATEMENTS = 26


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    problem_counts.kept.clear()


def counted(workflow: Workflow) -> int:
    with read_once():
        return problem_counts.error_count(drafting.draft_of(workflow).definition, workflow.pk)


def plan() -> PropertyDefinition:
    return PropertyDefinition.objects.create(object_type="deal", slug="plan", label="Plan", type="text")


def test_fifty_workflows_are_listed_with_as_few_statements_as_one(
    admin_client: Client, trouble_asked_once: Any
) -> None:
    Team.objects.create(name="North", slug="north")
    plan()

    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as found:
            page = admin_client.get(LIST).content.decode()
        assert page.count('<details class="menu"') >= Workflow.objects.count()
        return [one["sql"] for one in found]

    made(EDIT, TELL)
    statements()
    few = statements()
    for number in range(49):
        made({**EDIT, "params": {"property": "plan", "value": f"Gold {number}"}}, TELL)
    first, many = statements(), statements()
    assert len(many) == len(few) <= STATEMENTS
    assert len(first) <= STATEMENTS + 50, "what each of them asks for the first time"


def test_a_count_is_made_anew_when_the_document_or_what_it_names_has_changed() -> None:
    Team.objects.create(name="North", slug="north")
    property = plan()
    workflow = made(EDIT, TELL)
    assert counted(workflow) == 0 and list(problem_counts.kept.values()) == [0]
    Team.objects.all().delete()
    assert counted(workflow) == 1, "the team"
    property.delete()
    assert counted(workflow) == 2, "the property, too"
    draft = drafting.draft_of(workflow)
    draft.definition = document(TELL)
    draft.save()
    assert counted(workflow) == 1


def test_what_looks_at_other_workflows_is_counted_anew_each_time() -> None:
    other = published(RENAME)
    go = {"id": "go", "action": "go_to_workflow", "params": {"workflow": str(other.pk)}}
    workflow = made(go)
    assert counted(workflow) == 0
    Workflow.objects.filter(pk=other.pk).update(status="off", live=None)
    assert counted(workflow) == 1


def test_what_cannot_be_read_counts_each_of_its_faults() -> None:
    with read_once():
        assert problem_counts.error_count({"format": 1, "object": "deal", "steps": "none", "trigger": MANUAL}, 1) >= 1


def test_the_list_shows_the_number(admin_client: Client) -> None:
    made(EDIT)
    page = admin_client.get(LIST).content.decode()
    assert re.search(r'<span class="chip chip-warn">1</span>', page)
