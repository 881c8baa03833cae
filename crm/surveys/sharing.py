"""How often a survey that is shared by one link is answered from one place, as nobody knows who answers it.

A browser that has answered keeps a cookie of that survey's page alone, without anything in it that tells people apart,
and answers again when that is over. Whoever goes without cookies is stopped by the number of answers from one network
address in a day, which is for a whole office.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from crm.models import Survey
from records.api.addresses import address_of
from records.api.throttling import counter

COOKIE = "survey_answered"
DAY = 24 * 60 * 60


def answered_here(request: HttpRequest, survey: Survey) -> bool:
    """Whether the browser has answered the survey, less than SURVEY_AGAIN_DAYS ago."""
    return settings.SURVEY_AGAIN_DAYS > 0 and request.COOKIES.get(COOKIE) == str(survey.pk)


def remember(response: HttpResponse, survey: Survey) -> None:
    """Have the browser know that it has answered; with SURVEY_AGAIN_DAYS = 0 it answers as often as somebody likes."""
    if settings.SURVEY_AGAIN_DAYS > 0:
        response.set_cookie(
            COOKIE, str(survey.pk), max_age=dt.timedelta(days=settings.SURVEY_AGAIN_DAYS),
            path=reverse("surveys:survey", args=[survey.token]), secure=settings.SECURE, httponly=True,
            samesite="Lax",
        )  # fmt: skip


def takes_one_more(request: HttpRequest, survey: Survey) -> bool:
    """Count an answer; False when SURVEY_ANSWERS_PER_DAY of them have come from the address on this day (UTC)."""
    count = counter.count(f"survey-answers:{survey.pk}:{address_of(request.META)}", seconds=DAY)
    return count <= settings.SURVEY_ANSWERS_PER_DAY
