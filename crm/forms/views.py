"""The public pages of forms: seen, sent, thanked for; as JSON for websites' own pages."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.forms import counting, json_answers, keys, limiting, receiving, watching
from crm.forms.addresses import EVERYBODY, origin_of, origins_in
from crm.forms.answering import AnswerForm
from crm.forms.documents import attachment
from crm.forms.pages import PAGE_FIELD, embedded, onward, page_of
from crm.models import Form
from crm.tracking.limits import limited
from records.clock import database_now


class SeeOther(HttpResponseRedirect):
    """A redirect that is followed by GET, whatever the request was."""

    status_code = 303


def form_of(token: str) -> Form:
    # No database keeps NUL, nor is asked for it.
    form = None if "\x00" in token else Form.objects.filter(token=token).first()
    if form is None:
        raise Http404(_("There is no such form."))
    return form


@csrf_exempt
@xframe_options_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
@limited("form-pages")
def form_view(request: HttpRequest, token: str) -> HttpResponseBase:
    """The form, and where it is sent to."""
    form = form_of(token)
    if request.method == "OPTIONS" or (request.method == "POST" and request.content_type == "application/json"):
        return json_answers.answer(request, form, database_now())
    return dressed(request, posted(request, form) if request.method == "POST" else shown(request, form), form)


def shown(request: HttpRequest, form: Form) -> HttpResponse:
    """The empty form; seen by somebody, unless it is a preview in the admin."""
    preview = "preview" in request.GET and request.user.has_perm("crm.view_form")
    if not form.active and not preview:
        return render(request, "forms/closed.html", context(request, form))
    contact_id = None if preview else watching.watched(request)
    if request.method == "GET" and not preview:
        now = database_now()
        counting.count(form.pk, counting.SEEN, now)
        if contact_id is not None and limiting.may_tell(request):
            watching.tell(watching.SEEN, contact_id, form, page_of(request, form), now)
    return drawn(request, form, AnswerForm(form), preview=preview, watched=contact_id is not None)


@csrf_exempt
@never_cache
@require_POST
def touched_view(request: HttpRequest, token: str) -> HttpResponse:
    """The page's script tells that a field was touched; the answer is empty, whoever it was."""
    answer = HttpResponse(status=204)
    if receiving.too_long(request) or not limiting.may_tell(request):
        return answer
    form, contact_id = form_of(token), watching.watched(request)
    field = request.POST.get("field", "")
    if form.active and contact_id is not None and field in AnswerForm(form).fields:
        page = page_of(request, form, request.POST.get(PAGE_FIELD))
        watching.tell(watching.TOUCHED, contact_id, form, page, database_now(), field)
    return answer


def posted(request: HttpRequest, form: Form) -> HttpResponse:
    """What became of an attempt to send the form."""
    now = database_now()
    unread = receiving.refused_unread(request, form, now)
    if unread is not None and unread.status == receiving.TOO_LONG:
        return refused(request, form, unread)
    answers = AnswerForm(form, request.POST)
    outcome = unread or receiving.receive(request, form, answers, request.POST, now)
    if outcome.submission is not None:
        # On to another page, so that reloading it sends nothing again.
        return SeeOther(onward(request, form, keys.key_of(outcome.submission)))
    if outcome.status in (receiving.LIKE_A_PROGRAM, receiving.CLOSED):
        return refused(request, form, outcome)
    if outcome.message:
        answers.add_error(None, outcome.message)
    response = drawn(request, form, answers, status=outcome.status)
    if outcome.status == receiving.TOO_SOON:
        response["Retry-After"] = str(limiting.SECONDS)
    return response


@xframe_options_exempt
@never_cache
@require_safe
@limited("form-pages")
def sent_view(request: HttpRequest, token: str) -> HttpResponseBase:
    """The thank-you page, with the document where there is one."""
    form = form_of(token)
    if keys.submission_of(form, request.GET.get("key")) is None:
        return HttpResponseRedirect(reverse("forms:form", args=[form.token]))
    facts = {"key": request.GET["key"], "offers_document": form.kind == Form.Kind.DOCUMENT}
    return dressed(request, render(request, "forms/sent.html", context(request, form) | facts), form)


@never_cache
@require_safe
@limited("form-pages")
def document_view(request: HttpRequest, token: str) -> HttpResponseBase:
    """The document, for who has filled in the form (FLT-25)."""
    form = form_of(token)
    if form.kind != Form.Kind.DOCUMENT or keys.submission_of(form, request.GET.get("key")) is None:
        return HttpResponseRedirect(reverse("forms:form", args=[form.token]))
    return attachment(form)


def drawn(
    request: HttpRequest,
    form: Form,
    answers: AnswerForm,
    *,
    preview: bool = False,
    watched: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The form, with what was answered and what is wrong with it."""
    page = page_of(request, form, request.POST.get(PAGE_FIELD) if request.method == "POST" else None)
    facts = {
        "answers": answers, "preview": preview, "watched": watched, "page": page, "page_field": PAGE_FIELD,
        "honeypot": receiving.HONEYPOT, "stamp_field": receiving.STAMP,
        "stamp": keys.drawn_at(form, database_now()),
    }  # fmt: skip
    return render(request, "forms/form.html", context(request, form) | facts, status=status)


def refused(request: HttpRequest, form: Form, outcome: receiving.Outcome) -> HttpResponse:
    facts = {"message": outcome.message, "closed": outcome.status == receiving.CLOSED}
    return render(request, "forms/refused.html", context(request, form) | facts, status=outcome.status)


def context(request: HttpRequest, form: Form) -> dict[str, Any]:
    return {"form": form, "embedded": embedded(request)}


def dressed(request: HttpRequest, response: HttpResponse, form: Form) -> HttpResponseBase:
    """With the rules about who may embed the page, and where sending it may lead."""
    origins = origins_in(form.embed_origins)
    ancestors = origins if EVERYBODY in origins else ["'self'", *origins]
    targets = ["'self'", *([origin_of(form.redirect_url)] if form.redirect_url else [])]
    rules: dict[str, Any] = {"frame-ancestors": ancestors, "form-action": targets}
    return csp_replace(rules)(lambda _request: response)(request)
