"""Go to: the record continues at a step of another branch (GTO-06 to GTO-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.actions.base import Action
from workflows.definition import Definition, Step
from workflows.forms import ChoiceField
from workflows.params import ParamsForm, StepContext
from workflows.registries import actions

if TYPE_CHECKING:
    from workflows.batch import Batch


def label_of(step: Step, definition: Definition) -> str:
    """A step by its number and its action's name, as the canvas shows it."""
    action = actions.get(step.action)
    return _("%(number)d. %(action)s") % {
        "number": definition.number_of(step.id),
        "action": action.label if action else step.action,
    }


def branches_of(path: str) -> list[tuple[str, str]]:
    """The branches a step lies in, outermost first: each the branching's place and the branch's number."""
    parts = path.split(".")
    return [(".".join(parts[:i]), parts[i + 1]) for i, part in enumerate(parts) if part == "branches"]


def reachable(definition: Definition, step: Step) -> list[Step]:
    """The steps a go-to may lead to: those in other branches of a branching it lies in (so no loop can arise)."""
    own = dict(branches_of(step.path))
    return [
        other
        for other in definition.walk()
        if any(own.get(place) not in (None, branch) for place, branch in branches_of(other.path))
    ]


def leads_to(context: StepContext, start: str, goal: str) -> bool:
    """Whether records at `start` can ever come to `goal`: two go-tos in different branches could make a circle."""
    definition, seen, waiting = context.definition, set(), [start]
    while waiting:
        step = definition.by_id.get(waiting.pop())
        if step is None or step.id in seen:
            continue
        if step.id == goal:
            return True
        seen.add(step.id)
        waiting += following(step, definition)
    return False


def following(step: Step, definition: Definition) -> list[str]:
    """Where records may go from a step."""
    if step.action == GoTo.slug:
        return [str(step.params.get("step", ""))]
    ways = [definition.first_in(step.id, index) for index in range(len(step.branches))]
    return ways + ([] if step.action == "end" else [definition.next_after(step.id)])


@actions.register
class GoTo(Action):
    slug = "go_to"
    label = gettext_lazy("Go to another step")
    description = gettext_lazy("Continue at a step of another branch.")
    group = gettext_lazy("Flow")
    icon = "corner-down-right"
    flow = True

    class Params(ParamsForm):
        step = ChoiceField(
            label=gettext_lazy("Continue at"),
            help_text=gettext_lazy("Only steps in other branches can be chosen, so that nothing runs in circles."),
        )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            definition, step = self.context.definition, self.context.step
            found = reachable(definition, step) if step else []
            field = self.fields["step"]
            assert isinstance(field, ChoiceField)
            field.choices = [("", "—"), *((other.id, label_of(other, definition)) for other in found)]

        def clean_step(self) -> str:
            step_id = self.cleaned_data["step"]
            if self.context.step and leads_to(self.context, step_id, self.context.step.id):
                raise ValidationError(_("From there the records would come back to this step. Choose another one."))
            return step_id

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        target = context.definition.by_id.get(str(document.get("step", "")))
        if target is None:
            return _("Choose the step to continue at")
        return _("Go to %(step)s") % {"step": label_of(target, context.definition)}

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        batch.jump(None, params["step"], step=params["step"])

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        target = context.definition.by_id.get(str(detail.get("step", "")))
        if target is None:
            return format_html(_("Went on at a step that no longer exists ({step})"), step=detail.get("step", ""))
        return format_html(_("Went on at {step}"), step=label_of(target, context.definition))
