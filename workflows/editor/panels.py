"""The side panel: the forms of a step and of a branching's ways, and the operation they make."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.criteria.widget import CriteriaField
from records.problems import Problem
from workflows.definitions.definition import Branch, Definition, Step
from workflows.definitions.shares import number
from workflows.editor.failure_form import FailureForm
from workflows.editor.settings_panel import NAME as SETTINGS
from workflows.editor.settings_panel import SettingsPanel
from workflows.editor.trigger_panel import TriggerForm
from workflows.engine.outputs import subject_of
from workflows.registries import actions
from workflows.step_forms.params import ParamsForm, StepContext

#: The tab of the trigger's panel that says who enters again and who leaves, and the problems that belong there.
DOOR_TAB, AT_DOOR = "tab-door", ("trigger.reenroll", "unenroll", "goal", "suppress")


class CommentForm(forms.Form):
    comment = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Why the step is there; it belongs to the workflow and is printed with it."),
    )


class BranchForm(forms.Form):
    """The name of one way and which records take it."""

    name = forms.CharField(label=gettext_lazy("Name of the branch"), max_length=120, required=False)

    def __init__(self, data: Any, branch: Branch, index: int, context: StepContext) -> None:
        initial = {"name": branch.name, "criteria": branch.criteria}
        super().__init__(data, initial=initial, prefix=f"branch-{index}", auto_id="param_%s")
        self.index, self.branch = index, branch
        self.criteria: CriteriaField | None = None
        assert context.step is not None
        if branch.percent is not None or context.step.action == "random_split":
            self.fields["percent"] = forms.DecimalField(
                label=_("Share of the records, in percent"), min_value=0, max_value=100, required=False,
                widget=forms.NumberInput(attrs={"step": "any"}),
            )  # fmt: skip
            self.initial["percent"] = branch.percent
        elif branch.values is not None:
            self.fields["values"] = values_field(branch, context)
            self.initial["values"] = [shown_value(value) for value in branch.values]
            if not getattr(self.fields["values"], "choices", None):
                self.initial["values"] = "\n".join(self.initial["values"])
        elif context.step.action == "branch" and (branch.criteria or index < len(context.step.branches) - 1):
            label = _("Records that take this branch")
            self.criteria = CriteriaField(object_type=context.object_type, required=False, label=label)
            self.fields["criteria"] = self.criteria

    def op(self) -> dict[str, Any]:
        """The operation that stores what was sent; criteria that are not finished are kept, too."""
        self.is_valid()
        found: dict[str, Any] = {"op": "set_branch", "step": "", "branch": self.index}
        found["name"] = self.cleaned_data.get("name", self.branch.name)
        if self.criteria is not None:
            found["criteria"] = self.criteria.sent(self.data, self.add_prefix("criteria"))
        if "percent" in self.fields:
            sent = self.data.get(self.add_prefix("percent")) or None
            share = self.cleaned_data.get("percent", sent)
            found["percent"] = number(share) if isinstance(share, Decimal) else share
        if "values" in self.fields:
            values = self.cleaned_data.get("values") or []
            lines = values.splitlines() if isinstance(values, str) else values
            found["values"] = [value.strip() for value in lines if value.strip()]
        return found


def shown_value(value: Any) -> str:
    """A value of a branch as its control has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def values_field(branch: Branch, context: StepContext) -> forms.Field:
    """Check boxes where the property has options, lines of text otherwise."""
    assert context.step is not None
    prop = subject_of(context.step.params, context)
    options = [(option.value, str(option.label)) for option in prop.options] if prop else []
    if prop is not None and prop.type == "boolean":
        options = [("true", _("Yes")), ("false", _("No"))]
    if options:
        known = {value for value, _label in options}
        options += [(str(value), str(value)) for value in branch.values or () if shown_value(value) not in known]
        return forms.MultipleChoiceField(
            choices=options, required=False, widget=forms.CheckboxSelectMultiple, label=_("Values")
        )
    text = forms.Textarea(attrs={"rows": 2})
    return forms.CharField(required=False, widget=text, label=_("Values, one per line"))


class Panel:
    """The panel of a step, of the trigger ("trigger") or of the settings, empty or filled with what was sent."""

    def __init__(
        self, definition: Definition, name: str, data: Any = None, *, workflow: int | None = None, user: Any = None
    ) -> None:
        """`user` is who is offered only what that person may use (TRG-12)."""
        self.definition, self.name, self.data = definition, name, data
        self.step: Step | None = definition.by_id.get(name)
        self.trigger = TriggerForm(data, definition, workflow=workflow, user=user) if name == "trigger" else None
        self.settings = SettingsPanel(definition, data) if name == SETTINGS else None
        self.form: ParamsForm | None = None
        self.comment: forms.Form | None = None
        self.failure: FailureForm | None = None
        self.branches: list[BranchForm] = []
        if self.step is None:
            return
        self.action = actions[self.step.action]
        self.context = StepContext(definition, self.step, user, workflow)
        if data is None:
            self.form = self.action.Params(document=self.step.params, context=self.context)
        else:
            self.form = self.action.Params(data, context=self.context)
        self.comment = CommentForm(data, initial={"comment": self.step.comment}, auto_id="param_%s")
        self.failure = None if self.action.flow else FailureForm(data, self.step)
        self.branches = [
            BranchForm(data, branch, index, self.context) for index, branch in enumerate(self.step.branches)
        ]

    def field_of(self, problem: Problem) -> str:
        """The id of the control or tab a problem is about (EDT-08); "" where it is about none, or about several."""
        if self.trigger is not None:
            return DOOR_TAB if problem.path.startswith(AT_DOOR) else ""
        if self.step is None or self.form is None:
            return ""
        place = problem.path.removeprefix(f"{self.step.path}.params.").split(".")[0]
        return self.form[place].id_for_label if place in self.form.fields else ""

    @property
    def shared(self) -> bool:
        """Whether the branches have shares of the records."""
        return any("percent" in form.fields for form in self.branches)

    def op(self) -> dict[str, Any]:
        """The operation that stores what was sent."""
        if self.trigger is not None:
            return self.trigger.op()
        if self.settings is not None:
            return self.settings.op()
        assert self.step is not None and self.form is not None and self.comment is not None
        self.form.is_valid()
        self.comment.is_valid()
        update: dict[str, Any] = {"op": "update", "step": self.step.id, "params": self.form.document()}
        if "comment" in self.data:
            update["comment"] = self.comment.cleaned_data.get("comment", self.step.comment)
        if self.failure is not None and self.failure.differs(self.step):
            update["on_failure"] = self.failure.document()
        # A branch that somebody else has added meanwhile was not sent, and stays as it is.
        sent = [form for form in self.branches if form.add_prefix("name") in self.data]
        ops = [update, *(form.op() | {"step": self.step.id} for form in sent)]
        return ops[0] if len(ops) == 1 else {"op": "batch", "ops": ops}
