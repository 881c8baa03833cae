"""The questions of a survey, as its builder edits them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.admin.form_fields import LinesField
from crm.models import SurveyQuestion
from crm.models.survey import SCORES

Kind = SurveyQuestion.Kind
MOST_QUESTIONS, MOST_OPTIONS, OPTION_LENGTH = 30, 50, 200


class QuestionForm(forms.ModelForm):
    """One question; a new one counts once it has a text."""

    options = LinesField(
        label=gettext_lazy("Options"), required=False, help_text=gettext_lazy("One per line, for choices."),
    )  # fmt: skip

    class Meta:
        model = SurveyQuestion
        fields = ("text", "kind", "required", "help", "options", "lowest", "highest", "position")

    def has_changed(self) -> bool:
        return super().has_changed() if self.instance.pk else bool(self["text"].value())

    def clean_options(self) -> list[str]:
        options: list[str] = self.cleaned_data["options"]
        if len(options) > MOST_OPTIONS:
            message = _("There are %(count)d options, %(limit)d at most. Take some out.")
            raise ValidationError(message % {"count": len(options), "limit": MOST_OPTIONS})
        for option in options:
            if len(option) > OPTION_LENGTH:
                message = _("The option “%(option)s…” has %(count)d characters, %(limit)d at most. Shorten it.")
                facts = {"option": option[:30], "count": len(option), "limit": OPTION_LENGTH}
                raise ValidationError(message % facts)
        return options

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        choosing = values.get("kind") in (Kind.CHOICE, Kind.CHOICES)
        if choosing and "options" in values and len(values["options"]) < 2:
            self.add_error("options", _("A choice needs two options at least. Write one per line."))
        return values


class QuestionFormSet(BaseInlineFormSet):
    """All questions: a survey with questions of its own only needs one."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        rows = [one.cleaned_data for one in self.forms if one.cleaned_data and not one.cleaned_data.get("DELETE")]
        count = sum(bool(row.get("text")) for row in rows)
        if not count and self.instance.kind not in SCORES:
            raise ValidationError(_("Add a question: a survey of this type asks nothing by itself."))
        if count > MOST_QUESTIONS:
            message = _("There are %(count)d questions, %(limit)d at most. Take some out.")
            raise ValidationError(message % {"count": count, "limit": MOST_QUESTIONS})


class QuestionInline(admin.StackedInline):
    """Whoever may change the survey may change its questions."""

    model = SurveyQuestion
    form = QuestionForm
    formset = QuestionFormSet
    extra = 0
    fieldsets = (
        (None, {"fields": ("text", ("kind", "required"), "options")}),
        (
            gettext_lazy("Help, ends of the scale"),
            {"fields": ("help", ("lowest", "highest"), "position"), "classes": ("collapse",)},
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("crm.view_survey") or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("crm.change_survey") or request.user.has_perm("crm.add_survey")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)
