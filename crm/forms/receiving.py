"""Receiving a form from a visitor: who sends too much, too fast or like a program is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from crm.forms import counting, keys, limiting, watching
from crm.forms.answering import AnswerForm
from crm.forms.pages import PAGE_FIELD, page_of
from crm.forms.submitting import submit
from crm.models import Form, FormSubmission
from records.api.lengths import longer_than
from records.problems import DocumentError

BODY_LIMIT = 65_536
#: The field people do not see and leave empty; programs that fill in everything give themselves away.
HONEYPOT = "your-homepage"
STAMP = "drawn"
TAKEN, LIKE_A_PROGRAM, CLOSED, TOO_LONG, INVALID, TOO_SOON = 201, 400, 403, 413, 422, 429


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt: its HTTP status, why it was refused, the submission it has become."""

    status: int
    message: str = ""
    submission: FormSubmission | None = None


def too_long(request: HttpRequest) -> bool:
    """Whether more is sent than any form asks for; ask before reading it."""
    return longer_than(request, BODY_LIMIT)


def refused_unread(request: HttpRequest, form: Form, now: dt.datetime) -> Outcome | None:
    """Why an attempt is refused before it is read; each one counts, whatever was sent. None for one to be read."""
    often = not limiting.may_send(request, form)
    if too_long(request):
        return Outcome(TOO_LONG, _("What was sent is too long. Shorten it and send it again."))
    if not often:
        return None
    counting.count(form.pk, counting.REFUSED, now)
    message = _("This form was sent too often from where you are. Wait %(n)d seconds and send it again.")
    return Outcome(TOO_SOON, message % {"n": limiting.SECONDS})


def receive(
    request: HttpRequest, form: Form, answers: AnswerForm, sent: Mapping[str, Any], now: dt.datetime
) -> Outcome:
    """Submit what was sent; whatever is wrong with single answers is in `answers` afterwards."""
    if not form.active:
        return Outcome(CLOSED, form.closed_text or _("This form is closed. It takes nothing any more."))
    if sent.get(HONEYPOT):
        counting.count(form.pk, counting.REFUSED, now)
        message = _("This was not accepted. If you have filled in the field that is to be left empty, empty it.")
        return Outcome(LIKE_A_PROGRAM, message)
    if form.minimum_seconds:
        seconds = keys.seconds_since(form, sent.get(STAMP), now)
        if seconds is None or seconds < form.minimum_seconds:
            return Outcome(TOO_SOON, _("That was very quick. Look over what you have filled in, then send it."))
    if not answers.is_valid():
        return Outcome(INVALID)
    try:
        page = page_of(request, form, sent.get(PAGE_FIELD))
        submission = submit(form, answers, page=page, now=now, visitor=watching.key_of(request, sent))
    except DocumentError as error:
        answers.refuse(error)
        return Outcome(INVALID)
    return Outcome(TAKEN, submission=submission)
