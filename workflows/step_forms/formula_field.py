"""A field for a formula, checked as it is typed: it offers the values and functions there are."""

from __future__ import annotations

from typing import Any

from django import forms

from workflows.formulas import reading
from workflows.step_forms.forms import TextField


class FormulaField(TextField):
    """The text of a formula. What it means is checked by the form it stands in, which knows the values."""

    #: How the page inserts data into it: by the plain name.
    takes_data = "formula"

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(widget=widget, max_length=reading.LENGTH, **kwargs)

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"x-formula": True}
