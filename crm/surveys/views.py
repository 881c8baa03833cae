"""The public pages of surveys: asked, answered once, thanked for. Whoever has the link is let in; nobody else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from crm.forms.receiving import BODY_LIMIT, HONEYPOT
from crm.forms.views import SeeOther
from crm.models import Survey, SurveyInvitation
from crm.models.survey import make_token
from crm.surveys import answering, sharing
from crm.surveys.answering import AnsweredBefore
from crm.surveys.asking import AnswerForm
from crm.tracking.limits import limited, too_many, within_limit
from records.api.lengths import longer_than
from records.clock import database_now


@dataclass(frozen=True)
class Link:
    """What a link leads to: a survey, and who was asked; `invitation` is None for a shared link."""

    token: str
    survey: Survey
    invitation: SurveyInvitation | None = None

    def used(self, request: HttpRequest) -> bool:
        """Whether it was answered by the link of one's own; by a shared one: in the same browser."""
        if self.invitation is None:
            return sharing.answered_here(request, self.survey)
        return self.invitation.answered_at is not None


def link_of(request: HttpRequest, token: str) -> Link:
    """Where a token leads. Raises Http404, alike for whatever leads nowhere."""
    # No database keeps NUL, nor is asked for it.
    if "\x00" not in token:
        invitation = SurveyInvitation.objects.filter(token=token).select_related("survey").first()
        if invitation is not None:
            return Link(token, invitation.survey, invitation)
        survey = Survey.objects.filter(token=token).first()
        if survey is not None and (survey.delivery == Survey.Delivery.LINK or previews(request)):
            return Link(token, survey)
    raise Http404(_("There is no such survey."))


def previews(request: HttpRequest) -> bool:
    """Whether somebody who works here looks at how a survey looks."""
    return "preview" in request.GET and request.user.has_perm("crm.view_survey")


# Whoever has the link may answer; there is no session somebody else could use.
@csrf_exempt
@xframe_options_sameorigin
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@limited("survey-pages")
def survey_view(request: HttpRequest, token: str) -> HttpResponseBase:
    """The survey, and where it is sent to. Programs that look at links in mails change nothing."""
    if longer_than(request, BODY_LIMIT):
        return HttpResponse(_("That is more than a survey asks for."), status=413, content_type="text/plain")
    if request.method == "POST" and not within_limit(request, "survey", settings.FORM_SUBMISSIONS_PER_10_S):
        return too_many()
    link, now = link_of(request, token), database_now()
    if previews(request) and request.method != "POST":
        return framed(request, drawn(request, link, AnswerForm(link.survey), preview=True))
    if link.used(request):
        return render(request, "surveys/answered.html", context(link))
    if not answering.is_open(link.survey, now):
        return render(request, "surveys/closed.html", context(link), status=403 if request.method == "POST" else 200)
    return posted(request, link, now) if request.method == "POST" else drawn(request, link, AnswerForm(link.survey))


def posted(request: HttpRequest, link: Link, now: dt.datetime) -> HttpResponse:
    """What became of an attempt to answer."""
    answers = AnswerForm(link.survey, request.POST)
    if request.POST.get(HONEYPOT):
        message = _("This was not accepted. If you have filled in the field that is to be left empty, empty it.")
        answers.add_error(None, message)
        return drawn(request, link, answers, status=400)
    if not answers.is_valid():
        return drawn(request, link, answers, status=422)
    if not answers.answers():
        answers.add_error(None, _("Nothing is answered yet. Answer at least one question."))
        return drawn(request, link, answers, status=422)
    if link.invitation is None and not sharing.takes_one_more(request, link.survey):
        message = _("This survey has had as many answers from your network today as it takes. Send yours tomorrow.")
        answers.add_error(None, message)
        return drawn(request, link, answers, status=429)
    try:
        once = None if link.invitation else sharing.once(request, link.survey)
        answering.answer(
            link.survey, answers.questions, answers.answers(), now=now, invitation=link.invitation, once=once
        )
    except AnsweredBefore:
        return render(request, "surveys/answered.html", context(link))
    # On to another page, so that reloading it sends nothing again.
    thanked = SeeOther(reverse("surveys:sent", args=[link.token]))
    if link.invitation is None:
        sharing.remember(thanked, link.survey)
    return thanked


@never_cache
@require_safe
@limited("survey-pages")
def sent_view(request: HttpRequest, token: str) -> HttpResponse:
    """Thanks to who has answered; by a link of one's own only to that one."""
    link = link_of(request, token)
    if link.invitation is not None and not link.used(request):
        return SeeOther(reverse("surveys:survey", args=[token]))
    return render(request, "surveys/sent.html", context(link))


def framed(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """With the builder's leave to show it in a frame."""
    rules: dict[str, Any] = {"frame-ancestors": ["'self'"]}
    return csp_replace(rules)(lambda _request: response)(request)


def drawn(
    request: HttpRequest, link: Link, answers: AnswerForm, *, preview: bool = False, status: int = 200
) -> HttpResponse:
    """The survey, with what was answered and what is wrong with it."""
    facts: dict[str, Any] = {"answers": answers, "honeypot": HONEYPOT, "preview": preview}
    shared = link.invitation is None and not preview
    if shared:
        # A page drawn anew, because something is wrong with what was sent, is the same page.
        facts |= {"key_field": sharing.FIELD, "page_key": request.POST.get(sharing.FIELD) or make_token()}
    page = render(request, "surveys/survey.html", context(link) | facts, status=status)
    if shared:
        sharing.know_again(request, page, link.survey)
    return page


def context(link: Link) -> dict[str, Any]:
    # The frame of the page is that of forms.
    facts = {"survey": link.survey, "form": link.survey, "token": link.token, "shared": link.invitation is None}
    return facts | {"often": settings.SURVEY_AGAIN_DAYS == 0}
