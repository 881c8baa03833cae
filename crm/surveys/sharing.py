"""How often a survey that is shared by one link is answered from one place, as nobody knows who answers it.

A browser that has answered keeps a cookie of that survey's page alone, without anything in it that tells people apart,
and answers again when that is over. Until then the cookie has a random key, so that two answers it sends at once are
known to be one's; kept of that is a digest with the answer. Whoever goes without cookies is stopped by the number of
answers from one network address in a day, which is for a whole office. The same page counts once, whatever a browser
keeps.
"""

from __future__ import annotations

import datetime as dt
import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import salted_hmac

from crm.models import Survey
from crm.models.survey import make_token
from records.api.addresses import address_of
from records.api.throttling import counter

COOKIE = "survey_answered"
#: The field of the page with a key of its own.
FIELD = "page_key"
#: As `make_token` makes them; no number of a survey is as long.
KEY = re.compile(r"[A-Za-z0-9_-]{32}")
DAY = 24 * 60 * 60


def answered_here(request: HttpRequest, survey: Survey) -> bool:
    """Whether the browser has answered the survey, less than SURVEY_AGAIN_DAYS ago."""
    return settings.SURVEY_AGAIN_DAYS > 0 and request.COOKIES.get(COOKIE) == str(survey.pk)


def key_of(request: HttpRequest) -> str:
    """The random key of the browser where it has kept one, else that of the page; "" where there is neither."""
    known = request.COOKIES.get(COOKIE, "") if settings.SURVEY_AGAIN_DAYS > 0 else ""
    found = known if KEY.fullmatch(known) else request.POST.get(FIELD, "")
    return found if KEY.fullmatch(found) else ""


def once(request: HttpRequest, survey: Survey) -> str | None:
    """What answers that come from one browser at once, or twice from one page, have in common; None where unknown."""
    key = key_of(request)
    return salted_hmac("crm.surveys.sharing", f"{survey.pk}:{key}", algorithm="sha256").hexdigest() if key else None


def know_again(request: HttpRequest, response: HttpResponse, survey: Survey) -> None:
    """Give the browser its key with the page, unless it has one; it is gone when the browser is closed."""
    if settings.SURVEY_AGAIN_DAYS > 0 and not KEY.fullmatch(request.COOKIES.get(COOKIE, "")):
        set_cookie(response, survey, make_token())


def remember(response: HttpResponse, survey: Survey) -> None:
    """Have the browser know that it has answered; with SURVEY_AGAIN_DAYS = 0 it answers as often as somebody likes."""
    if settings.SURVEY_AGAIN_DAYS > 0:
        set_cookie(response, survey, str(survey.pk), dt.timedelta(days=settings.SURVEY_AGAIN_DAYS))


def set_cookie(response: HttpResponse, survey: Survey, value: str, max_age: dt.timedelta | None = None) -> None:
    response.set_cookie(
        COOKIE, value, max_age=max_age, path=reverse("surveys:survey", args=[survey.token]), secure=settings.SECURE,
        httponly=True, samesite="Lax",
    )  # fmt: skip


def takes_one_more(request: HttpRequest, survey: Survey) -> bool:
    """Count an answer; False when SURVEY_ANSWERS_PER_DAY of them have come from the address on this day (UTC)."""
    count = counter.count(f"survey-answers:{survey.pk}:{address_of(request.META)}", seconds=DAY)
    return count <= settings.SURVEY_ANSWERS_PER_DAY
