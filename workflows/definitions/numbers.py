"""How many workflows there may be, and in how many of them metrics are tracked (LIM-01, LIM-14)."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from workflows.definitions.definition import Definition
from workflows.models import Workflow

#: Where an installation says nothing else.
WORKFLOWS, METRICS = 1_000, 20


def workflow_limit() -> int:
    """How many workflows there may be (WORKFLOW_LIMIT), deleted ones aside; 0 for any number."""
    return int(getattr(settings, "WORKFLOW_LIMIT", WORKFLOWS))


def metrics_limit() -> int:
    """In how many workflows metrics may be tracked (WORKFLOW_METRICS_LIMIT); 0 for any number."""
    return int(getattr(settings, "WORKFLOW_METRICS_LIMIT", METRICS))


def refuse_one_more() -> None:
    """Raise DocumentError where there are as many workflows as there may be."""
    limit = workflow_limit()
    if limit and Workflow.objects.filter(deleted_at=None).count() >= limit:
        message = _(
            "There are %(limit)d workflows already, and there may be no more here (WORKFLOW_LIMIT). Delete one that "
            "is not used any more, or ask an administrator."
        )
        raise DocumentError([Problem("", message % {"limit": limit}, code="too_many_workflows")])


def metrics_problems(definition: Definition, workflow: int) -> Iterator[Problem]:
    """What keeps a workflow that tracks metrics from being published: others already do, as many as may."""
    limit = metrics_limit()
    if not limit or definition.settings.get("metrics") is not True:
        return
    tracked = Workflow.objects.filter(deleted_at=None, live__definition__settings__metrics=True).exclude(pk=workflow)
    if tracked.count() >= limit:
        message = _(
            "Metrics are tracked in %(limit)d other workflows, and in no more at a time (WORKFLOW_METRICS_LIMIT). "
            "Turn “Track metrics” off here, or in another workflow and publish that first."
        )
        yield Problem("settings.metrics", message % {"limit": limit}, True, code="too_many_metrics")
