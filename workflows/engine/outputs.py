"""What steps leave for later ones to branch by: how they ended, and what their actions say (ACG-07, ACG-11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.properties import Option, Property
from workflows.definitions.definition import OUTCOME, Step
from workflows.definitions.ways import coming_before, label_of, numbered
from workflows.models import Outcome
from workflows.registries import actions
from workflows.step_forms.params import ParamsForm, StepContext

#: The output every step has.
ENDED = Property(
    OUTCOME,
    gettext_lazy("How it ended"),
    "select",
    options_source=tuple(
        Option(str(outcome), outcome.label) for outcome in (Outcome.SUCCESS, Outcome.SKIPPED, Outcome.FAILED)
    ),
)


def outputs_of(step: Step, context: StepContext) -> dict[str, Property]:
    """A step's outputs by name, each described as a property."""
    action = actions.get(step.action)
    own = action.outputs(step.params, context.at(step)) if action else {}
    return {OUTCOME: ENDED, **own}


def offered(context: StepContext) -> Iterator[tuple[Step, str, dict[str, Property]]]:
    """The steps that can come before the context's own, their labels, and what of theirs can be branched by."""
    if context.step is None:
        return
    before = coming_before(context.definition, context.step.id) - {context.step.id}
    for number, step in numbered(context.definition):
        if step.id in before:
            yield step, label_of(step, context.definition, number), outputs_of(step, context)


def find(reference: Any, context: StepContext) -> tuple[Step, Property] | None:
    """The step and the output a reference like "mail.outcome" names; None when there is no such thing."""
    step_id, _dot, name = str(reference or "").rpartition(".")
    step = context.definition.by_id.get(step_id)
    found = outputs_of(step, context).get(name) if step else None
    return (step, found) if step and found else None


def subject_of(document: dict[str, Any], context: StepContext) -> Property | None:
    """What a value branch looks at: a property, or an output of an earlier step. None while it is not chosen."""
    if document.get("output"):
        found = find(document["output"], context)
        return found[1] if found else None
    return context.properties.get(str(document.get("property", "")))


def labelled(step: str, output: Property) -> str:
    return _("%(step)s: %(output)s") % {"step": step, "output": output.label}


class OutputField(forms.ChoiceField):
    """An output of a step that can come before this one, as "step.name"; changing it has the panel drawn anew."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.context: StepContext | None = None
        self.widget.attrs["data-refresh"] = "panel"

    def use_context(self, context: StepContext) -> None:
        self.context = context
        self.choices = [
            ("", "—"),
            *(
                (f"{step.id}.{name}", labelled(label, output))
                for step, label, found in offered(context)
                for name, output in found.items()
                if name != OUTCOME or not actions[step.action].flow
            ),
        ]

    def use_form(self, form: ParamsForm) -> None:
        """What is stored stays a choice, so that a page keeps what it does not offer."""
        stored = (form.source or form.initial or {}).get("output")
        choices: Any = self.choices
        known = {value for value, _label in choices}
        found = find(stored, form.context) if isinstance(stored, str) and stored not in known else None
        if found:
            label = labelled(label_of(found[0], form.context.definition), found[1])
            self.choices = [*choices, (str(stored), label)]

    def validate(self, value: Any) -> None:
        """Any earlier step's outputs are good, also the outcomes that are not worth offering."""
        if not value or self.context is None or self.context.step is None:
            return
        found = find(value, self.context)
        if found is None:
            raise ValidationError(_("“%(value)s” is no result of a step. Choose another one.") % {"value": value})
        if found[0].id not in coming_before(self.context.definition, self.context.step.id):
            message = _("The step “%(step)s” does not come before this one. Choose the result of an earlier step.")
            raise ValidationError(message % {"step": found[0].id})

    def to_json(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "x-output": True}
