"""Workflows and enrollments made for a test, without publishing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from workflows.definitions import parsing
from workflows.models import Enrollment, Outcome, Revision, StepExecution, Workflow

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


def step(step_id: str, action: str, branches: list[dict[str, Any]] | None = None, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"id": step_id, "action": action, "params": params}
    return found | ({"branches": branches} if branches is not None else {})


def make_workflow(
    steps: list[dict[str, Any]],
    object_type: str = "contact",
    status: str = "on",
    sources: list[dict[str, Any]] | None = None,
    **settings: Any,
) -> Workflow:
    document: dict[str, Any] = {"format": 1, "name": "Test", "object": object_type, "trigger": {"kind": "manual"}}
    document |= {"settings": settings, "steps": steps, "sources": sources or []}
    parsing.parse(document)
    workflow = Workflow.objects.create(name="Test", object_type=object_type, status=status)
    revision = Revision.objects.create(workflow=workflow, number=1, definition=document, published_at=timezone.now())
    workflow.live = revision
    workflow.save()
    return workflow


def enroll(
    workflow: Workflow, ids: Iterable[int], now: dt.datetime = NOW, at: str | None = None, **cause: Any
) -> list[Enrollment]:
    """Enrollments standing on the first step (or `at`), due now."""
    assert workflow.live is not None
    first = parsing.parse(workflow.live.definition).first if at is None else at
    return Enrollment.objects.bulk_create(
        Enrollment(
            workflow=workflow, revision=workflow.live, record_id=pk, step=first, due_at=now, enrolled_at=now,
            cause={"kind": "manual", **cause},
        )
        for pk in ids
    )  # fmt: skip


def log_of(enrollment: Enrollment) -> list[tuple[str, str]]:
    """Step and outcome of each line, in order."""
    return [(line.step, line.outcome) for line in StepExecution.objects.filter(enrollment=enrollment).order_by("id")]


def outcomes(workflow: Workflow) -> dict[tuple[str, str], int]:
    """How often each step had each outcome."""
    found: dict[tuple[str, str], int] = {}
    for line in StepExecution.objects.filter(enrollment__workflow=workflow):
        key = (line.step, line.outcome)
        found[key] = found.get(key, 0) + 1
    return found


__all__ = ["NOW", "Enrollment", "Outcome", "enroll", "log_of", "make_workflow", "outcomes", "step"]
