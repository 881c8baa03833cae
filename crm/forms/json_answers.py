"""Forms sent as JSON by websites' own pages; from another origin only where the form lets it embed it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from crm.forms import keys, limiting, receiving
from crm.forms.addresses import EVERYBODY, origins_in
from crm.forms.answering import AnswerForm, readable
from crm.forms.pages import PAGE_FIELD, onward
from crm.models import Form
from records.api.strict_json import parse
from records.problems import DocumentError


def answer(request: HttpRequest, form: Form, now: dt.datetime) -> HttpResponse:
    """201 with where to go on; else a problem document with an error at each field."""
    response = HttpResponse(status=204) if request.method == "OPTIONS" else received(request, form, now)
    return shared(response, request, form)


def received(request: HttpRequest, form: Form, now: dt.datetime) -> HttpResponse:
    unread = receiving.refused_unread(request, form, now)
    if unread is not None:
        return refused(unread)
    try:
        sent = readable(parse(request.body))
    except DocumentError as error:
        return problem(400, " ".join(str(one.message) for one in error.problems[:3]))
    if sent is None:
        return problem(400, _("Send a JSON object with the form's fields: texts, numbers, booleans, lists of texts."))
    answers = AnswerForm(form, sent)
    unknown = sorted(sent.keys() - answers.fields.keys() - {receiving.HONEYPOT, receiving.STAMP, PAGE_FIELD})
    if unknown:
        message = _("The form has no field “%(name)s”. Use: %(known)s.")
        known = ", ".join([*answers.fields, PAGE_FIELD])
        return problem(
            receiving.INVALID, _("The form does not have all these fields."),
            {name: [message % {"name": name, "known": known}] for name in unknown},
        )  # fmt: skip
    several = {name: [_("Send one value, not a list.")] for name in sent if not answers.takes(name, sent[name])}
    if several:
        return problem(receiving.INVALID, _("Some fields are missing or wrong."), several)
    outcome = receiving.receive(request, form, answers, sent, now)
    if outcome.submission is not None:
        address = request.build_absolute_uri(onward(request, form, keys.key_of(outcome.submission)))
        return JsonResponse({"next": address, "thanks": form.thanks}, status=receiving.TAKEN)
    if outcome.status == receiving.INVALID:
        errors = {name: [str(one) for one in found] for name, found in answers.errors.items()}
        return problem(receiving.INVALID, _("Some fields are missing or wrong."), errors)
    return refused(outcome)


def refused(outcome: receiving.Outcome) -> HttpResponse:
    response = problem(outcome.status, outcome.message)
    if outcome.status == receiving.TOO_SOON:
        response["Retry-After"] = str(limiting.SECONDS)
    return response


def problem(status: int, detail: str, errors: dict[str, list[str]] | None = None) -> HttpResponse:
    """A problem document (RFC 9457) like the API's."""
    document: dict[str, Any] = {"type": "about:blank", "title": _("The form was not taken."), "detail": detail}
    document["errors"] = [
        {"path": "" if name == "__all__" else name, "message": message}
        for name, messages in (errors or {}).items()
        for message in messages
    ]
    return JsonResponse(document, status=status, content_type="application/problem+json")


def shared(response: HttpResponse, request: HttpRequest, form: Form) -> HttpResponse:
    """Let pages of the origins named in the form read the answer; no cookies are asked for or sent."""
    origin, allowed = request.headers.get("Origin", "").lower(), origins_in(form.embed_origins)
    patch_vary_headers(response, ("Origin",))
    if origin and (EVERYBODY in allowed or origin in allowed):
        response["Access-Control-Allow-Origin"] = EVERYBODY if EVERYBODY in allowed else origin
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "Content-Type"
        response["Access-Control-Max-Age"] = "600"
    return response
