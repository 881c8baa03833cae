"""The fields of a form as a page draws them, and what somebody has answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.forms.asking import Question, questions
from crm.models import Form, FormConsent
from records.problems import DocumentError


class AnswerForm(forms.Form):
    """Drawn on the public page, and what reads both posted forms and JSON."""

    error_css_class = "has-error"

    def __init__(self, form: Form, data: Any = None) -> None:
        super().__init__(data, auto_id="field-%s", label_suffix="")
        self.questions = questions(form)
        self.consents = {consent_name(one): one for one in form.consents.select_related("type") if one.type.active}
        for question in self.asked().values():
            self.fields[question.name] = question.field()
        for name, consent in self.consents.items():
            self.fields[name] = forms.BooleanField(label=consent.text, required=consent.required)
        for field in self.fields.values():
            if field.required:
                field.error_messages["required"] = _("Fill this in.")

    def asked(self) -> dict[str, Question]:
        """What the visitor is asked, by name in the page."""
        return {question.name: question for question in self.questions if question.shown}

    def values(self) -> dict[str, Any]:
        """What was answered, and what the form itself sets, by the full name of the property; blanks are left out."""
        asked = self.asked()
        found = {
            one.full_name: self.cleaned_data.get(one.name) if one.name in asked else one.row.value
            for one in self.questions
        }
        return {name: value for name, value in found.items() if value not in (None, "", [])}

    def given(self) -> list[FormConsent]:
        """The consents whose boxes are ticked."""
        return [consent for name, consent in self.consents.items() if self.cleaned_data.get(name)]

    def refuse(self, error: DocumentError) -> None:
        """Show each problem at its field."""
        names = {question.full_name: question.name for question in self.asked().values()}
        for problem in error.problems:
            name = names.get(problem.path, problem.path)
            self.add_error(name if name in self.fields else None, str(problem.message))

    def takes(self, name: str, value: object) -> bool:
        """Whether a field can be answered with this many values: a list is for those of which several are chosen."""
        return not isinstance(value, list) or isinstance(self.fields.get(name), forms.MultipleChoiceField)


def consent_name(consent: FormConsent) -> str:
    """The name of a consent's box in the page; no property is called like it."""
    return f"consent-{consent.pk}"


def readable(document: object) -> dict[str, Any] | None:
    """Answers sent as JSON, as a form reads them; None when one is no text, number, boolean or list of texts."""
    if not isinstance(document, Mapping):
        return None
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, list):
            if not all(isinstance(part, str) for part in value):
                return None
            found[name] = value
        elif value is None or isinstance(value, bool | str):
            found[name] = str(value).lower() if isinstance(value, bool) else value
        elif isinstance(value, int | float):
            found[name] = str(value)
        else:
            return None
    return found
