"""A workflow of 500 steps with 40 branchings and go-tos: every record takes exactly the steps of its path."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from django.db.models import Count

from crm.models import Contact
from records.models import Change
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.definitions import checking, parsing
from workflows.engine import taking_steps
from workflows.models import Enrollment, StepExecution

# Committed, as in life: what one transaction has written over and over cannot be cleared away while it lasts.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

STEPS, BRANCHINGS, CITIES = 500, 40, 4
#: BIG_WORKFLOW_RECORDS=10000 for the whole size.
RECORDS = int(os.environ.get("BIG_WORKFLOW_RECORDS", "400"))
EACH = STEPS // BRANCHINGS


def city(number: int) -> dict[str, Any]:
    """Criteria of the records whose number leaves this rest."""
    return {"any": [{"all": [{"property": "city", "operator": "is_equal_to_any_of", "value": [f"City {number}"]}]}]}


def section(number: int, size: int) -> list[dict[str, Any]]:
    """One branching and the steps up to the next: of its three ways one is a detour, one jumps into another."""
    raised = step(f"raise{number}", "change_number", property="lead_score", by=1)
    branching = step(
        f"ask{number}", "branch",
        branches=[
            {"name": "Detour", "criteria": city(number % CITIES), "steps": [
                step(f"set{number}", "edit_record", property="job_title", value=f"Stage {number}"), raised,
            ]},
            {"name": "Across", "criteria": city((number + 1) % CITIES), "steps": [
                step(f"jump{number}", "go_to", step=f"raise{number}"),
            ]},
            {"name": "Otherwise", "steps": []},
        ],
    )  # fmt: skip
    rest = [
        step(f"plain{number}x{i}", "edit_record", property="country", value=f"Country {number}")
        for i in range(size - 4)
    ]
    return [branching, *rest]


def sections() -> list[dict[str, Any]]:
    sizes = [EACH + (1 if number < STEPS - EACH * BRANCHINGS else 0) for number in range(BRANCHINGS)]
    return [found for number, size in enumerate(sizes) for found in section(number, size)]


def path_of(rest: int, steps: list[dict[str, Any]]) -> list[str]:
    """The steps a record of a city takes, read from the document by hand."""
    found = []
    for one in steps:
        found.append(one["id"])
        if one["action"] == "branch":
            number = int(one["id"].removeprefix("ask"))
            if rest == number % CITIES:
                found += [f"set{number}", f"raise{number}"]
            elif rest == (number + 1) % CITIES:
                found += [f"jump{number}", f"raise{number}"]
    return found


@pytest.mark.covers("LIM-11")
def test_the_counts_of_500_steps_add_up_and_nothing_is_stuck():
    steps = sections()
    workflow = make_workflow(steps)
    parsed = parsing.parse(workflow.live.definition)
    assert len(parsed.by_id) == STEPS
    assert sum(found.action == "branch" for found in parsed.by_id.values()) == BRANCHINGS
    assert checking.errors(checking.problems(parsed)) == []
    contacts = Contact.objects.bulk_create(
        Contact(email=f"{n}@example.com", city=f"City {n % CITIES}", lead_score=0) for n in range(RECORDS)
    )
    enroll(workflow, [contact.pk for contact in contacts])

    while taking_steps.run_due(NOW):
        pass

    assert set(Enrollment.objects.values_list("status", "step", "due_at", "claim")) == {("completed", "", None, None)}
    paths = {rest: path_of(rest, steps) for rest in range(CITIES)}
    expected: Counter[str] = Counter()
    for path in paths.values():
        expected.update(dict.fromkeys(path, RECORDS // CITIES))
    lines = StepExecution.objects.values("step").order_by().annotate(number=Count("id"))
    counts = Counter({line["step"]: line["number"] for line in lines})
    assert not StepExecution.objects.exclude(outcome__in=["success", "skipped"]).exists()
    assert counts == expected
    for rest, contact in enumerate(contacts[:CITIES]):
        own = StepExecution.objects.filter(enrollment__record_id=contact.pk).order_by("id")
        assert [line.step for line in own] == paths[rest]
        assert [line.visit for line in own] == list(range(len(paths[rest])))
    raised = {rest: sum(step_id.startswith("raise") for step_id in path) for rest, path in paths.items()}
    scores = Counter(Contact.objects.values_list("city", "lead_score"))
    assert scores == Counter({(f"City {rest}", score): RECORDS // CITIES for rest, score in raised.items()})
    journaled = Change.objects.filter(object_type="contact", kind="updated", after__has_key="lead_score").count()
    assert journaled == sum(score * (RECORDS // CITIES) for score in raised.values())
