"""Deals that wait for an event, made for a test."""

from __future__ import annotations

from typing import Any

from crm.models import Deal, Task
from records.associations import associate
from records.clock import database_now
from tests.workflows.building import enroll, make_workflow, step
from workflows.models import Enrollment, EventWait, StepExecution, Workflow
from workflows.processes.ticking import tick
from workflows.registries import actions
from workflows.step_forms.params import StepContext

STAGE = {"event": "property_changed", "property": "stage"}


def wait(**params: Any) -> dict[str, Any]:
    return step("wait", "delay_until_event", **params)


def waiting(count: int = 1, *before: dict[str, Any], **params: Any) -> tuple[Workflow, list[Enrollment]]:
    """A workflow with a wait, and deals that have come to it."""
    made = Deal.objects.bulk_create(Deal(name=f"D{n}") for n in range(count))
    workflow = make_workflow([*before, wait(**params)], "deal")
    enrollments = enroll(workflow, [deal.pk for deal in made], now=database_now())
    run()
    return workflow, enrollments


def run() -> None:
    """Everything that is due now, and everything that follows from it."""
    tick(database_now())


def deal_of(enrollment: Enrollment) -> Any:
    return Deal.objects.filter(pk=enrollment.record_id)


def task_for(enrollment: Enrollment, **facts: Any) -> Task:
    task = Task.objects.create(**{"title": "Call", **facts})
    associate("deal", "task", [(enrollment.record_id, task.pk)])
    return task


def happened(enrollment: Enrollment) -> bool | None:
    """What the wait has left for later steps; None while it lasts."""
    enrollment.refresh_from_db()
    found = enrollment.outputs.get("wait")
    assert (found is None) == (enrollment.status == "active"), enrollment.status
    assert (found is None) == EventWait.objects.filter(enrollment=enrollment).exists()
    return found and found["happened"]


def sentences(enrollment: Enrollment) -> list[str]:
    """What the history says about the wait."""
    from workflows.definitions.parsing import parse

    definition = parse(enrollment.revision.definition)
    context = StepContext(definition, definition.by_id["wait"])
    lines = StepExecution.objects.filter(enrollment=enrollment, step="wait").order_by("id")
    return [str(actions["delay_until_event"].tell(line.detail, line.outcome, context)) for line in lines]
