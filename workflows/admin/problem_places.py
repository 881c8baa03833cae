"""Where a review's problem can be put right: the panel of the editor, and the control in it."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from records.problems import Problem
from workflows.definitions.definition import Definition, Step
from workflows.definitions.ways import label_of
from workflows.editor.panels import DOOR_TAB, Panel
from workflows.editor.settings_panel import NAME as SETTINGS

TRIGGER = "trigger"


@dataclass(frozen=True)
class Told:
    """A problem as the review tells it: its sentence, and where its link leads."""

    message: str
    name: str
    url: str


def told(problem: Problem, definition: Definition | None, workflow: int) -> Told:
    """`name` is what is to be opened; without a part of its own it is the editor."""
    editor = reverse("admin:workflow_editor", args=[workflow])
    part, name, control = place_of(problem, definition, workflow)
    url = f"{editor}?step={part}" if part else editor
    return Told(str(problem.message), name, f"{url}#{control}" if control else url)


def place_of(problem: Problem, definition: Definition | None, workflow: int) -> tuple[str, str, str]:
    """The panel, its name and the control a problem is about; "" for the whole workflow."""
    doors = {"goal": _("Goal"), "unenroll": _("Unenrollment"), "suppress": _("Suppression lists")}
    head = problem.path.split(".")[0]
    if head in doors:
        return TRIGGER, doors[head], DOOR_TAB
    if problem.path.startswith("trigger.reenroll"):
        return TRIGGER, _("Re-enrollment"), DOOR_TAB
    if head in (TRIGGER, "centre"):
        return TRIGGER, _("Trigger"), ""
    if head == "settings":
        return SETTINGS, _("Settings"), ""
    step = step_of(problem, definition) if definition else None
    if step is None or definition is None:
        return "", _("Editor"), ""
    return step.id, label_of(step, definition), control_of(problem, step, definition, workflow)


def step_of(problem: Problem, definition: Definition) -> Step | None:
    """The innermost step a problem lies in."""
    steps = [step for step in definition.walk() if f"{problem.path}.".startswith(f"{step.path}.")]
    return max(steps, key=lambda step: len(step.path), default=None)


def control_of(problem: Problem, step: Step, definition: Definition, workflow: int) -> str:
    """The id of the control in the step's panel; "" where it is about the whole step."""
    inside = problem.path.removeprefix(step.path).strip(".").split(".")
    if inside[0] == "branches" and inside[1:2] and inside[1] in map(str, range(len(step.branches))):
        return f"param_branch-{inside[1]}-name"
    return Panel(definition, step.id, workflow=workflow).field_of(problem) if inside[0] == "params" else ""
