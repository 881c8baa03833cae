"""What keeps a definition from being published, all of it, with paths into the document (REV-15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from records.lists.telling import key_of
from records.object_types import object_types
from records.problems import Problem
from workflows.data_sources import checking as data_source_checks
from workflows.definitions import door_checks, ways
from workflows.definitions.cycles import read_to_reenroll
from workflows.definitions.definition import Definition
from workflows.definitions.settings_checks import settings_problems
from workflows.definitions.touching import reads
from workflows.enrollment import suppressing
from workflows.registries import actions, triggers
from workflows.rights import writing
from workflows.rights.doing import not_allowed
from workflows.schedules import centring
from workflows.step_forms.answers import Answers
from workflows.step_forms.params import StepContext

if TYPE_CHECKING:
    from workflows.actions.base import Action

PUBLISH = "workflows.publish_workflow"


def problems(
    definition: Definition, *, user: Any = None, workflow: int | None = None, answers: Answers | None = None
) -> list[Problem]:
    """Every problem of a definition: errors, which keep it from being published, and warnings.

    `user` is who wants to publish; without the right to, or to edit what a step changes, that is a problem, too.
    `workflow` is the id of the definition's workflow: it cannot enroll in itself. `answers`, for nobody in particular,
    are those about the steps that are known already.
    """
    found = [*rights_problems(user), *trigger_problems(definition)]
    found += door_checks.problems(definition, workflow)
    found += suppressing.problems(definition)
    found += [*settings_problems(definition), *centring.problems(definition)]
    if not definition.steps:
        found.append(Problem("steps", _("The workflow does nothing yet. Add at least one step."), code="missing"))
    context = StepContext(definition, None, user, workflow)
    found += data_source_checks.problems(context)
    for step in definition.walk():
        if answers is None or user is not None:
            found += step_problems(context.at(step))
        else:
            found += [problem.at(step.path) for problem in answers.of("problems", step, own_problems)]
    found += writing.problems(definition, user)
    if user is not None:
        found += writing.reading_problems(reads(definition), user)
    return [*found, *never_reached(definition), *own_trigger(definition)]


def errors(found: list[Problem]) -> list[Problem]:
    return [problem for problem in found if problem.severity == "error"]


def rights_problems(user: Any) -> Iterator[Problem]:
    if user is not None and not user.has_perm(PUBLISH):
        message = _("You may not publish workflows. Ask somebody with the right to publish.")
        yield Problem("", message, code="forbidden")


def trigger_problems(definition: Definition) -> list[Problem]:
    trigger = definition.trigger
    if trigger.kind not in triggers:
        return [Problem("trigger.kind", _("Choose how records are enrolled."), code="missing")]
    found = triggers[trigger.kind].problems(trigger.document, definition.object)
    return [problem.at("trigger") for problem in found]


def step_problems(context: StepContext) -> Iterator[Problem]:
    step = context.step
    assert step is not None
    return (problem.at(step.path) for problem in own_problems(context))


def own_problems(context: StepContext) -> list[Problem]:
    """What is wrong with a step, with paths inside of it."""
    step = context.step
    assert step is not None
    action = actions[step.action]
    found: list[Problem] = []
    if not action.offered_to(context.object_type):
        message = _("“%(action)s” cannot be used with %(records)s. Remove the step.")
        facts = {"action": action.label, "records": context.object_type.label_plural}
        found.append(Problem("action", message % facts, step.action))
    told = action.problems(step.params, context)
    if not errors(told):
        told = [*told, *not_writable(action, context), *not_changeable(action, context)]
    found += [problem.at("params") for problem in told]
    if action.splits:
        found += action.branch_problems(context)
    return found


def not_writable(action: Action, context: StepContext) -> list[Problem]:
    """What an action of a workflow would write though the object type does not let it (ACG-09)."""
    own, step = context.object_type, context.step
    if own.workflows_write is None or action.creates or step is None:
        return []
    message = _("Workflows for %(records)s may not change “%(value)s”. Remove the step.")
    return [
        Problem("", message % {"records": own.label_plural, "value": name}, name)
        for name in sorted(action.writes(step.params, context))
        if name.partition(".")[0] not in own.workflows_write
    ]


def not_changeable(action: Action, context: StepContext) -> Iterator[Problem]:
    """Records an action writes that the person may not change by hand either (decision 10); lists have a right of
    their own.
    """
    if action.creates or context.user is None or context.step is None:
        return
    names = (name.partition(".") for name in action.writes(context.step.params, context))
    for slug in sorted({kind for kind, _dot, written in names if not written.startswith(key_of(""))}):
        if slug in object_types:
            yield from not_allowed(context.user, "change", object_types[slug])


def never_reached(definition: Definition) -> Iterator[Problem]:
    """A warning where no record can come to a step."""
    for step in ways.never_reached(definition):
        message = _("No record comes to this step: what stands before it ends the path. Move or delete it.")
        yield Problem(step.path, message, severity="warning", code="never_reached")


def own_trigger(definition: Definition) -> list[Problem]:
    """A warning where the workflow changes what may re-enroll its records (decision 14)."""
    seen = read_to_reenroll(definition.document)
    if not seen:
        return []
    return [
        Problem(
            step.path,
            _(
                "This step changes what the trigger looks at, and re-enrollment is on: a record may come back to the "
                "start again and again."
            ),
            severity="warning",
            code="own_trigger",
        )
        for step in definition.walk()
        if actions[step.action].writes(step.params, StepContext(definition, step)) & seen
    ]
