"""Go to: the record continues at a step of another branch (GTO-06 to GTO-09)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.problems import Problem
from workflows.actions.base import Action
from workflows.definitions.definition import Definition, Step
from workflows.definitions.ways import branches_around, label_of, leading_back, numbered
from workflows.registries import actions
from workflows.step_forms.greyed_field import GreyedChoiceField
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

# Each go-to offers every step, and of hundreds of them hardly one is looked at.
label = lazy(label_of, str)


def unavailable(definition: Definition, step: Step) -> dict[str, str]:
    """The steps a go-to must not lead to, each with the reason (GTO-08).

    A target stands in another branch. That alone keeps one go-to from making a loop, but not several together: so
    the steps from which records come back to this go-to are left out, too.
    """
    own = branches_around(step.path)
    returning = leading_back(definition, step.id)
    outside, beside, circling = _("not in a branch"), _("in the same branch"), _("comes back to this step")
    found = {}
    for other in definition.walk():
        around = branches_around(other.path)
        if not around:
            found[other.id] = outside
        elif around <= own:
            found[other.id] = beside
        elif other.id in returning:
            found[other.id] = circling
    return found


def choices_of(definition: Definition) -> Iterator[tuple[str, str]]:
    """Every step by its id, and what it is called."""
    return ((other.id, label(other, definition, number)) for number, other in numbered(definition))


@actions.register
class GoTo(Action):
    slug = "go_to"
    label = gettext_lazy("Go to another step")
    description = gettext_lazy("Continue at a step of another branch.")
    group = gettext_lazy("Flow")
    icon = "corner-down-right"
    flow = True
    in_branches = True

    class Params(ParamsForm):
        step = GreyedChoiceField(
            label=gettext_lazy("Continue at"),
            help_text=gettext_lazy("Only steps in other branches can be chosen, so that nothing runs in circles."),
        )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            definition, step = self.context.definition, self.context.step
            if step is not None:
                field = self.fields["step"]
                assert isinstance(field, GreyedChoiceField)
                field.offer(lambda: choices_of(definition), unavailable(definition, step))

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        step, target = context.step, document.get("step")
        if step is not None and not branches_around(step.path):
            message = _("A go-to has its place in a branch only. Move it into one, or remove it.")
            return [Problem("step", message, code="outside_branch"), *super().problems(document, context)]
        circling = leading_back(context.definition, step.id) if step is not None else set()
        if isinstance(target, str) and target in circling:
            message = _(
                "From step “%(target)s” records come back to this step, so they would run in a circle. "
                "Choose another step."
            )
            return [Problem("step", message % {"target": target}, target, code="circle")]
        return super().problems(document, context)

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        target = context.definition.by_id.get(str(document.get("step", "")))
        if target is None:
            return _("Choose the step to continue at")
        return _("Go to %(step)s") % {"step": label_of(target, context.definition)}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        batch.jump(None, params["step"], step=params["step"])

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        target = context.definition.by_id.get(str(detail.get("step", "")))
        if target is None:
            return format_html(_("Went on at a step that no longer exists ({step})"), step=detail.get("step", ""))
        return format_html(_("Went on at {step}"), step=label_of(target, context.definition))
