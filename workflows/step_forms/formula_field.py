"""A field for a formula, checked as it is typed: it offers the values and functions there are."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from workflows.formulas import reading
from workflows.formulas.functions import FUNCTIONS
from workflows.step_forms.forms import TextField
from workflows.step_forms.offered_tokens import offered_names
from workflows.step_forms.params import StepContext


class FormulaField(TextField):
    """The text of a formula. What it means is checked by the form it stands in, which knows the values."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(widget=widget, max_length=reading.LENGTH, **kwargs)
        self.context: StepContext | None = None

    def use_context(self, context: StepContext) -> None:
        self.context = context

    @property
    def offered(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The values and functions the page offers to insert."""
        if self.context is None:
            return []
        functions = [(one.example, f"{one.name}: {one.help}") for one in FUNCTIONS.values()]
        return [*offered_names(self.context), (_("Functions, with an example each"), functions)]

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"x-formula": True}
