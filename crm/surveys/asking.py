"""The questions of a survey as its page draws them, and what somebody has answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.utils.translation import gettext_lazy as _

from crm.models import FeedbackSubmission, Survey, SurveyQuestion
from crm.models.survey import SCORES

Kind = SurveyQuestion.Kind
SCORE = "score"
TEXT_LIMIT = 5_000
USUAL = {
    FeedbackSubmission.Kind.RECOMMENDATION: _("How likely are you to recommend us to a friend or colleague?"),
    FeedbackSubmission.Kind.SATISFACTION: _("How satisfied are you?"),
    FeedbackSubmission.Kind.EFFORT: _("How easy was it to get done what you wanted?"),
}
#: What the two ends of the scale mean.
ENDS = {
    FeedbackSubmission.Kind.RECOMMENDATION: (_("not at all likely"), _("very likely")),
    FeedbackSubmission.Kind.SATISFACTION: (_("very dissatisfied"), _("very satisfied")),
    FeedbackSubmission.Kind.EFFORT: (_("very difficult"), _("very easy")),
}


@dataclass(frozen=True)
class Question:
    """One question: `name` in the page and in stored answers, `scale` from its lowest to its highest number."""

    name: str
    text: str
    kind: str
    required: bool
    help: str = ""
    options: tuple[str, ...] = ()
    scale: tuple[int, int] = (1, 5)

    @property
    def numbers(self) -> range:
        return range(self.scale[0], self.scale[1] + 1)

    def field(self) -> forms.Field:
        facts: dict[str, Any] = {"label": self.text, "help_text": self.help, "required": self.required}
        if self.kind == Kind.SCALE:
            choices = [(str(number), str(number)) for number in self.numbers]
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect(attrs={"class": "scale"}), **facts)
        pairs = [(str(place), text) for place, text in enumerate(self.options)]
        if self.kind == Kind.CHOICE:
            return forms.ChoiceField(choices=pairs, widget=forms.RadioSelect, **facts)
        if self.kind == Kind.CHOICES:
            return forms.MultipleChoiceField(choices=pairs, widget=forms.CheckboxSelectMultiple, **facts)
        return forms.CharField(
            widget=forms.Textarea(attrs={"rows": 4}), max_length=TEXT_LIMIT,
            validators=[ProhibitNullCharactersValidator()], **facts,
        )  # fmt: skip

    def read(self, sent: Any) -> Any:
        """An answer as it is kept: a number, one of the options, a list of them, or a text."""
        if self.kind == Kind.SCALE:
            return int(sent)
        if self.kind == Kind.CHOICE:
            return self.options[int(sent)]
        if self.kind == Kind.CHOICES:
            return [self.options[int(place)] for place in dict.fromkeys(sent)]
        return sent


def questions(survey: Survey, own: Iterable[SurveyQuestion] | None = None) -> list[Question]:
    """The questions of a survey in their order: the one about its score first, where its kind has one."""
    found = []
    if survey.kind in SCORES:
        kind = FeedbackSubmission.Kind(survey.kind)
        low, high = ENDS[kind]
        lowest, highest = SCORES[kind]
        text = _("%(lowest)d means %(low)s, %(highest)d %(high)s.")
        ends = str(text) % {"lowest": lowest, "low": low, "highest": highest, "high": high}
        found.append(Question(SCORE, survey.question or str(USUAL[kind]), Kind.SCALE, True, ends, (), SCORES[kind]))
    rows = survey.questions.all() if own is None else own
    return [*found, *(question_of(row) for row in rows)]


def question_of(row: SurveyQuestion) -> Question:
    scale = (row.lowest, row.highest)
    return Question(f"q{row.pk}", row.text, row.kind, row.required, row.help, tuple(row.options), scale)


class AnswerForm(forms.Form):
    """Drawn on the public page, and what reads what was posted."""

    error_css_class = "has-error"

    def __init__(self, survey: Survey, data: Any = None) -> None:
        super().__init__(data, auto_id="field-%s", label_suffix="")
        self.questions = questions(survey)
        for question in self.questions:
            field = self.fields[question.name] = question.field()
            if question.required:
                field.error_messages["required"] = _("Answer this question.")

    def answers(self) -> dict[str, Any]:
        """What was answered, by the question's name; what was left blank is left out."""
        sent = {one.name: self.cleaned_data.get(one.name) for one in self.questions}
        return {one.name: one.read(sent[one.name]) for one in self.questions if sent[one.name] not in (None, "", [])}
