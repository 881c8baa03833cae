"""The way of one enrollment through a version, and the steps of a version in words."""

from __future__ import annotations

from workflows.definitions.definition import Definition
from workflows.models import Enrollment, Outcome, StepExecution
from workflows.registries import actions
from workflows.step_forms.params import StepContext


def walked(enrollment: Enrollment, revision: int | None = None) -> dict[str, str]:
    """The last outcome of each step the enrollment came to, by step id; in one version, or in all.

    The step it stands on waits, whatever has been logged of it.
    """
    lines = StepExecution.objects.filter(enrollment=enrollment).order_by("at", "visit", "id")
    if revision is not None:
        lines = lines.filter(revision_id=revision)
    found = dict(lines.values_list("step", "outcome"))
    if enrollment.status == Enrollment.Status.ACTIVE and revision in (None, enrollment.revision_id):
        found[enrollment.step] = str(Outcome.WAITING)
    return found


def steps_of(definition: Definition) -> list[tuple[str, int, str, str]]:
    """Id, number, name and setting of every step, in reading order."""
    return [
        (
            step.id,
            definition.number_of(step.id),
            str(actions[step.action].label),
            actions[step.action].describe(step.params, StepContext(definition, step)),
        )
        for step in definition.walk()
    ]
