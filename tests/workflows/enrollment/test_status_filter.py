"""Filters on what a record is or was in a workflow: they find, follow, tell and explain."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Company, Deal
from records import criteria
from records.associations import associate
from records.clock import database_now
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.publishing_deals import BIG, boss, change, history, inside, live, settle
from workflows.engine.taking_steps import run_due
from workflows.enrollment.announcing import announce
from workflows.enrollment.enrolling import enroll
from workflows.enrollment.leaving import unenroll
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db

NAMED_Z = {"property": "name", "operator": "is_equal_to_any_of", "value": ["Z"]}
END = {"id": "end", "action": "end", "params": {}}


@pytest.fixture
def deals() -> list[Deal]:
    return Deal.objects.bulk_create([Deal(name=name, amount=1) for name in "ABC"])


def found(leaf: dict[str, Any], kind: str = "deal") -> set[int]:
    compiled = criteria.compile({"all": [leaf]}, object_types[kind], now=database_now())
    return set(compiled.records().values_list("pk", flat=True))


def status(workflow: Workflow | str, operator: str) -> dict[str, Any]:
    return {"workflow": workflow if isinstance(workflow, str) else workflow.pk, "operator": operator}


def by_hand(workflow: Workflow, *deals: Deal) -> None:
    cause = {"kind": "manual", "actor": boss().pk}
    enroll(workflow, [deal.pk for deal in deals], cause=cause, now=database_now(), manual=True)


def run() -> None:
    while run_due(database_now()):
        pass


@pytest.mark.covers("FLT-34", "GOL-04")
def test_each_operator_finds_whom_it_says(deals):
    a, b, c = (deal.pk for deal in deals)
    workflow, other = live(BIG, goal={"all": [NAMED_Z]}), live(BIG)
    by_hand(workflow, *deals[:2])
    by_hand(other, deals[2])
    change(deals[1], name="Z")
    assert found(status(workflow, "is_enrolled")) == {a}
    assert found(status(workflow, "is_not_enrolled")) == {b, c}
    assert found(status(workflow, "has_been_enrolled")) == {a, b}
    assert found(status(workflow, "has_never_been_enrolled")) == {c}
    assert found(status(workflow, "has_been_unenrolled")) == {b}
    assert found(status(workflow, "has_met_goal")) == {b}
    assert found(status(workflow, "has_not_met_goal")) == {a, c}
    assert found(status("any", "is_enrolled")) == {a, c}
    rows = Enrollment.objects.filter(workflow=workflow, status="active")
    rows.update(status="completed", step="", due_at=None, ended_at=database_now(), ended_reason="completed")
    assert found(status(workflow, "has_completed")) == {a}
    assert found(status(workflow, "has_never_completed")) == {b, c}
    change(deals[0], name="Z")
    assert found(status(workflow, "has_met_goal")) == {a, b}


def test_a_company_workflow_with_the_same_record_id_does_not_count(deals):
    workflow = live(BIG)
    Company.objects.create(pk=deals[0].pk, name="Same id")
    by_hand(workflow, deals[0])
    assert found(status("any", "is_enrolled"), "company") == set()


@pytest.mark.covers("FLT-34")
def test_workflows_follow_one_another_as_records_enter_complete_and_leave(deals):
    first = live(BIG, steps=[END])
    second = live(status(first, "has_completed"))
    third = live(status(second, "is_enrolled"))
    change(deals[0], amount=50)
    run()
    settle()
    assert (inside(second), inside(third)) == ([deals[0].pk], [deals[0].pk])
    by_hand(first, deals[1])
    run()
    settle()
    assert inside(third) == [deals[0].pk, deals[1].pk]

    watching = live(status(third, "has_been_unenrolled"))
    rows = Enrollment.objects.filter(workflow=third, record_id=deals[1].pk)
    unenroll(rows, reason="by_hand", by=boss(), now=database_now())
    settle()
    assert inside(watching) == [deals[1].pk]


@pytest.mark.covers("FLT-34")
def test_the_filter_works_on_associated_records(deals):
    company = Company.objects.create(name="One")
    associate("company", "deal", [(company.pk, deals[0].pk)])
    settle()
    workflow = live(BIG)
    leaf = {"association": "deal", "all": [status(workflow, "is_enrolled")]}
    assert found(leaf, "company") == set()
    change(deals[0], amount=50)
    assert found(leaf, "company") == {company.pk}


def test_workflows_that_enroll_by_each_others_status_come_to_an_end(deals):
    """Each looks at the other; the chain of what caused what is too long at some time."""
    settle()
    one = live(NAMED_Z)
    other = live(status(one, "is_enrolled"))
    change(deals[0], name="Z")
    assert (inside(one), inside(other)) == ([deals[0].pk], [deals[0].pk])
    cause = Enrollment.objects.get(workflow=other).cause
    assert (cause["depth"], cause["chain"]) == (1, [one.pk])
    assert settle() == 0
    assert history(one, deals[0]) == [("active", "")]


def test_sentence_and_explanation_name_the_workflow(deals):
    workflow = live(BIG)
    Workflow.objects.filter(pk=workflow.pk).update(name="Welcome")
    compiled = criteria.compile({"all": [status(workflow, "has_completed")]}, object_types["deal"], now=database_now())
    assert compiled.text == "has completed “Welcome”"
    assert [answer.met for answer in compiled.explain([deals[0].pk])[deals[0].pk]] == [False]


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        ({"workflow": 0, "operator": "is_enrolled"}, "all.0.workflow"),
        ({"workflow": "any", "operator": "is"}, "all.0.operator"),
        ({"workflow": "any", "operator": "is_enrolled", "refine": {}}, "all.0.refine"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(leaf, path):
    with pytest.raises(DocumentError) as error:
        criteria.parse({"all": [leaf]}, object_types["deal"])
    assert [problem.path for problem in error.value.problems] == [path]


def test_nobody_is_told_of_and_nobody_leaves_where_nobody_can_be_meant():
    for nobody in (Enrollment.objects.none(), Enrollment.objects.filter(pk__in=[])):
        assert announce(nobody) == 0
        assert unenroll(nobody, reason="by_hand", by=None, now=database_now()) == 0
