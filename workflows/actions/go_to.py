"""Go to: the record continues at a step of another branch (GTO-06 to GTO-09)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False)
class Unavailable(Mapping[str, str]):
    """The steps a go-to must not lead to, each with the reason (GTO-08); found when somebody asks for them.

    A target stands in another branch. That alone keeps one go-to from making a loop, but not several together: so
    the steps from which records come back to this go-to are left out, too.
    """

    definition: Definition
    step: Step

    def why(self, other: Step) -> str:
        around = branches_around(other.path)
        if not around:
            return _("not in a branch")
        if around <= branches_around(self.step.path):
            return _("in the same branch")
        return _("comes back to this step") if other.id in leading_back(self.definition, self.step.id) else ""

    def __getitem__(self, step_id: str) -> str:
        found = self.why(self.definition.by_id[step_id])
        if not found:
            raise KeyError(step_id)
        return found

    def __iter__(self) -> Iterator[str]:
        return (other.id for other in self.definition.walk() if self.why(other))

    def __len__(self) -> int:
        return sum(1 for _step_id in self)


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
                field.offer(lambda: choices_of(definition), Unavailable(definition, step), definition.by_id)

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        step, target = context.step, document.get("step")
        if step is not None and not branches_around(step.path):
            message = _("A go-to has its place in a branch only. Move it into one, or remove it.")
            return [Problem("step", message, code="outside_branch"), *super().problems(document, context)]
        if step is not None and isinstance(target, str) and target in leading_back(context.definition, step.id):
            message = _(
                "From step “%(target)s” records come back to this step, so they would run in a circle. "
                "Choose another step."
            )
            there = context.definition.by_id.get(target)
            name = label_of(there, context.definition) if there else target
            return [Problem("step", message % {"target": name}, target, code="circle")]
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
