"""A field for a script: code.js shows its lines with numbers and colours."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from workflows.step_forms.forms import TextField

#: Characters of one script.
LENGTH = 100_000


class CodeField(TextField):
    """The text of a script, as it was written. It is never run here."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {
            "rows": 16, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off", "wrap": "off",
            "data-code": "javascript",
        }  # fmt: skip
        super().__init__(widget=forms.Textarea(attrs=attrs), max_length=LENGTH, strip=False, **kwargs)

    def to_python(self, value: Any) -> str | None:
        """Pages send line ends of their own; a script has one kind."""
        found = super().to_python(value)
        return found.replace("\r\n", "\n") if isinstance(found, str) else found

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and not value.strip():
            raise forms.ValidationError(_("There is no code. Write exports.main = async (event, callback) => { … };"))

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"x-code": "javascript"}
