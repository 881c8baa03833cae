"""Answering a survey: once for each link, as a feedback submission and events about it (FLT-16, FLT-41)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from crm.models import Contact, FeedbackSubmission, Survey, SurveyInvitation, SurveyResponse, Ticket
from crm.surveys.asking import SCORE, Question
from records.associations import associate_new
from records.happening import Occurrence, happen
from records.journal import change_source
from records.object_types import object_types

EVENT = "survey_answered"
SOURCE = "survey"
Kind, Sentiment, Channel = FeedbackSubmission.Kind, FeedbackSubmission.Sentiment, FeedbackSubmission.Channel
ONE_OF_A_BROWSER = "one_response_of_a_browser"
#: From which score on somebody is content, and up to which somebody is not; between the two: neutral.
LIMITS = {Kind.RECOMMENDATION: (9, 6), Kind.SATISFACTION: (4, 2), Kind.EFFORT: (5, 3)}


class AnsweredBefore(Exception):
    """The link was used already."""


def is_open(survey: Survey, now: dt.datetime) -> bool:
    """Whether it takes answers."""
    return survey.active and (survey.closes_at is None or now < survey.closes_at)


def sentiment_of(kind: str, score: int | None) -> str:
    """What a score says of somebody; "" where there is none."""
    if score is None or kind not in LIMITS:
        return ""
    content, discontent = LIMITS[Kind(kind)]
    if score >= content:
        return Sentiment.POSITIVE
    return Sentiment.NEGATIVE if score <= discontent else Sentiment.NEUTRAL


def answer(
    survey: Survey,
    questions: Iterable[Question],
    answers: Mapping[str, Any],
    *,
    now: dt.datetime,
    invitation: SurveyInvitation | None = None,
    once: str | None = None,
) -> SurveyResponse:
    """Keep what somebody answered, in one transaction. Raises AnsweredBefore.

    `invitation` is the link it came by; without one nobody knows who answered, and `once` is what answers of one
    browser have in common (crm.surveys.sharing). The second of two answers by one link, or of one browser, at once
    waits for the first, and is refused.
    """
    try:
        return keep(survey, [one for one in questions if one.name in answers], answers, now, invitation, once)
    except IntegrityError as error:
        told = getattr(error.__cause__, "diag", None)
        if told is None or told.constraint_name != ONE_OF_A_BROWSER:
            raise
        raise AnsweredBefore from error


def keep(
    survey: Survey, asked: Sequence[Question], answers: Mapping[str, Any], now: dt.datetime,
    invitation: SurveyInvitation | None, once: str | None,
) -> SurveyResponse:  # fmt: skip
    """`answer`. Raises IntegrityError where the browser has answered before."""
    with transaction.atomic(), change_source(SOURCE, survey=survey.pk):
        contact_id = ticket_id = None
        if invitation is not None:
            # Whoever merges contacts holds them first, and then what names them.
            rows = SurveyInvitation.objects.select_for_update(no_key=True)
            fresh = rows.get(pk=invitation.pk)
            if fresh.answered_at is not None:
                raise AnsweredBefore
            fresh.answered_at = now
            fresh.save(update_fields=["answered_at"])
            contact_id, ticket_id = fresh.contact_id, fresh.ticket_id
        score = answers.get(SCORE)
        submission = FeedbackSubmission.objects.create(
            survey=survey.name, kind=survey.kind, score=score, sentiment=sentiment_of(survey.kind, score),
            text=texts_of(asked, answers), submitted_at=now, created_at=now, updated_at=now,
            channel=Channel.EMAIL if invitation is not None else Channel.LINK,
        )  # fmt: skip
        ends = {"contact": living(Contact, contact_id), "ticket": living(Ticket, ticket_id)}
        known = {slug: pk for slug, pk in ends.items() if pk is not None}
        for slug, pk in known.items():
            associate_new(object_types[slug], object_types["feedback_submission"], [(pk, submission.pk)])
        response = SurveyResponse.objects.create(
            survey=survey, submission=submission, contact_id=contact_id, submitted_at=now, once=once,
            values={one.name: kept(one, answers[one.name]) for one in asked},
        )  # fmt: skip
        for slug, pk in known.items():
            tell(slug, pk, survey, response, asked, answers, now)
    return response


def living(model: type[Contact] | type[Ticket], pk: int | None) -> int | None:
    """The id of a record that is not deleted; None for any other."""
    return model.objects.filter(pk=pk, deleted_at=None).values_list("pk", flat=True).first() if pk else None


def shown(value: Any) -> str:
    """An answer as people read it."""
    return ", ".join(value) if isinstance(value, list) else str(value)


def kept(question: Question, value: Any) -> dict[str, Any]:
    return {"question": question.text, "kind": str(question.kind), "value": value, "text": shown(value)}


def texts_of(asked: Iterable[Question], answers: Mapping[str, Any]) -> str:
    """What was answered besides the score: a single answer as it is, several with their questions."""
    others = [one for one in asked if one.name != SCORE]
    if len(others) == 1:
        return shown(answers[others[0].name])
    return "\n".join(f"{one.text}: {shown(answers[one.name])}" for one in others)


def tell(
    slug: str,
    pk: int,
    survey: Survey,
    response: SurveyResponse,
    asked: Iterable[Question],
    answers: Mapping[str, Any],
    now: dt.datetime,
) -> None:
    """An occurrence of the event for each question that was answered; the score is told with its own question."""
    occurrences = [
        Occurrence(
            pk,
            {
                "survey": survey.name, "question": one.text, "answer": shown(answers[one.name]),
                **({"score": answers[one.name]} if one.kind == "scale" else {}),
            },
            key=f"survey/{response.pk}/{slug}/{one.name}",
        )
        for one in asked
    ]  # fmt: skip
    happen(EVENT, slug, occurrences, now=now)
