"""What came of a survey: how many answered, what the scores say, how often each option was chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, Q, QuerySet
from django.utils.translation import gettext as _

from crm.models import FeedbackSubmission, Survey, SurveyInvitation, SurveyResponse
from crm.surveys.answering import LIMITS
from crm.surveys.asking import SCORE, Question, questions

Kind = FeedbackSubmission.Kind
COUNTED = """
    SELECT answer.key, option.value #>> '{}', count(*)
    FROM crm_surveyresponse response
    JOIN crm_feedbacksubmission submission ON submission.id = response.submission_id AND submission.deleted_at IS NULL,
    jsonb_each(response.values) answer,
    jsonb_array_elements(CASE jsonb_typeof(answer.value -> 'value') WHEN 'array' THEN answer.value -> 'value'
        ELSE jsonb_build_array(answer.value -> 'value') END) option
    WHERE response.survey_id = %s AND answer.key = ANY(%s)
    GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Figures:
    """How many were asked, how many answers there are, how many of those asked have answered."""

    sent: int = 0
    responses: int = 0
    answered: int = 0

    @property
    def rate(self) -> float | None:
        """The part of those asked who answered, up to 1; None before anybody was asked."""
        return self.answered / self.sent if self.sent else None


@dataclass(frozen=True)
class Score:
    """What the scores say: `figure` is the NPS (-100 to 100), the percentage of the satisfied, or the average effort.

    `content`, `neutral` and `discontent` are how many there are of each.
    """

    name: str
    figure: float
    content: int
    neutral: int
    discontent: int


@dataclass(frozen=True)
class Option:
    """How often an option, or a number of a scale, was chosen, and its part of all answers to the question."""

    text: str
    count: int
    share: float


def responses_of(survey: Survey) -> QuerySet[SurveyResponse]:
    """The answers there are, newest first; without those somebody has deleted."""
    return SurveyResponse.objects.filter(survey=survey, submission__deleted_at=None).order_by("-id")


def figures(ids: Sequence[int]) -> dict[int, Figures]:
    """The figures of some surveys; two queries."""
    asked = SurveyInvitation.objects.filter(survey__in=ids).values("survey").order_by()
    sent = {
        row["survey"]: (row["n"], row["a"])
        for row in asked.annotate(n=Count("pk"), a=Count("pk", filter=Q(answered_at__isnull=False)))
    }
    answers = SurveyResponse.objects.filter(survey__in=ids, submission__deleted_at=None).values("survey").order_by()
    given = {row["survey"]: row["n"] for row in answers.annotate(n=Count("pk"))}
    return {pk: Figures(sent.get(pk, (0, 0))[0], given.get(pk, 0), sent.get(pk, (0, 0))[1]) for pk in ids}


def score_of(survey: Survey) -> Score | None:
    """What the scores of a survey say; None without scores."""
    if survey.kind not in LIMITS:
        return None
    content, discontent = LIMITS[Kind(survey.kind)]
    rows = FeedbackSubmission.objects.filter(response__survey=survey, deleted_at=None, score__isnull=False)
    found: dict[str, Any] = rows.aggregate(
        all=Count("pk"), mean=Avg("score"), content=Count("pk", filter=Q(score__gte=content)),
        discontent=Count("pk", filter=Q(score__lte=discontent)),
    )  # fmt: skip
    total, good, bad = found["all"], found["content"], found["discontent"]
    if not total:
        return None
    match survey.kind:
        case Kind.RECOMMENDATION:
            return Score(_("Net Promoter Score (NPS)"), 100 * (good - bad) / total, good, total - good - bad, bad)
        case Kind.SATISFACTION:
            return Score(_("Satisfied (CSAT), in percent"), 100 * good / total, good, total - good - bad, bad)
    return Score(_("Ease on average (CES)"), float(found["mean"]), good, total - good - bad, bad)


def options_of(survey: Survey, hidden: Collection[str] = ()) -> list[tuple[Question, list[Option]]]:
    """How often each option of each question was chosen, without those for texts, and as `is_hidden` has it."""
    asked = [one for one in questions(survey) if one.kind != "text" and not is_hidden(one.name, hidden)]
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [survey.pk, [one.name for one in asked]])
        counted: dict[str, dict[str, int]] = {}
        for name, text, count in cursor.fetchall():
            counted.setdefault(name, {})[text] = count
    return [(one, shares(one, counted.get(one.name, {}))) for one in asked]


def shares(question: Question, counted: dict[str, int]) -> list[Option]:
    """Every option of a question in its order; what is no option any more comes last."""
    known = [str(number) for number in question.numbers] if question.kind == "scale" else list(question.options)
    known += sorted(counted.keys() - set(known))
    total = sum(counted.values())
    return [Option(text, counted.get(text, 0), counted.get(text, 0) / total if total else 0.0) for text in known]


def is_hidden(name: str, hidden: Collection[str]) -> bool:
    """Whether an answer is hidden, by its question's name: also of a question that was taken out since.

    `hidden` are the properties hidden from a person, as "object_type.property".
    """
    return f"feedback_submission.{'score' if name == SCORE else 'text'}" in hidden
