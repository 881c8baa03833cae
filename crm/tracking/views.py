"""What websites and mails call without a login: the script's collector, pixels, links."""

from __future__ import annotations

import base64
import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from crm.models import CallToAction, CookieConsent
from crm.tracking import collecting, links
from crm.tracking.limits import within_limit
from crm.tracking.pages import page_facts
from crm.tracking.visitors import NAME, visitor_of, wants_privacy
from records.api.tallying import tally
from records.clock import database_now

#: The smallest transparent picture there is.
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
CONSENT_COOKIE = "headrace_consent"
LASTS = 180 * 24 * 3600


def allowed(request: HttpRequest) -> bool:
    return within_limit(request, "tracking", settings.TRACKING_REQUEST_LIMIT)


@csrf_exempt
@never_cache
@require_http_methods(["POST", "OPTIONS"])
def collect(request: HttpRequest) -> HttpResponse:
    """The script's messages, from pages of TRACKING_DOMAINS only; the answer is empty."""
    origin = request.headers.get("Origin", "")
    if not links.tracked(origin_host(origin)):
        return HttpResponse(_("This website is not in TRACKING_DOMAINS."), status=403, content_type="text/plain")
    answer = HttpResponse(status=HTTPStatus.NO_CONTENT)
    answer["Access-Control-Allow-Origin"] = origin
    answer["Vary"] = "Origin"
    if request.method == "OPTIONS":
        answer["Access-Control-Allow-Methods"] = "POST"
        answer["Access-Control-Allow-Headers"] = "Content-Type"
        answer["Access-Control-Max-Age"] = "86400"
        return answer
    if not allowed(request):
        tally(collecting.TALLIED, collecting.REFUSED)
        answer.status_code = HTTPStatus.TOO_MANY_REQUESTS
    elif not wants_privacy(request):
        try:
            message = collecting.read_message(request.read(collecting.BODY_LIMIT + 1))
            collecting.collect(message, database_now())
        except collecting.Refused as error:
            tally(collecting.TALLIED, collecting.REFUSED)
            answer.status_code, answer.content = HTTPStatus.BAD_REQUEST, str(error).encode()
            answer["Content-Type"] = "text/plain; charset=utf-8"
    return answer


def origin_host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


@never_cache
@require_safe
def pixel(request: HttpRequest) -> HttpResponse:
    """A picture for pages without the script: `?url=` (or the page it is on) was viewed."""
    answer = picture()
    facts = page_facts(request.GET.get("url") or request.headers.get("Referer", ""), request.GET.get("title", ""))
    agreed = request.COOKIES.get(CONSENT_COOKIE) == CookieConsent.ACCEPTED
    silent = wants_privacy(request) or (settings.TRACKING_CONSENT_REQUIRED and not agreed)
    tracked = bool(facts) and links.tracked(urlsplit(facts["url"]).hostname or "")
    if request.method != "GET" or silent or not tracked or not allowed(request):
        return answer
    key = visitor_of(request) or new_key(answer)
    collecting.keep([collecting.hit("page_viewed", facts, database_now(), visitor=key)])
    return answer


def new_key(answer: HttpResponse) -> str:
    key = secrets.token_hex(16)
    answer.set_cookie(NAME, key, max_age=LASTS, secure=settings.SECURE, httponly=True, samesite="Lax")
    return key


def picture() -> HttpResponse:
    return HttpResponse(PIXEL, content_type="image/gif")


@never_cache
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """The picture in a mail to a contact: it was opened."""
    try:
        said = links.read(token)
    except links.BrokenLink:
        said = {}
    if said.get("k") == links.OPEN and request.method == "GET" and allowed(request):
        keep_of(said, "email_opened", {})
    return picture()


@never_cache
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """A link that is counted, then leads on to where it was signed for."""
    try:
        said = links.read(token)
    except links.BrokenLink:
        said = {}
    counted = request.method == "GET" and allowed(request)
    if said.get("k") == links.CTA:
        target = CallToAction.objects.filter(slug=said["s"]).values_list("target", flat=True).first()
        if target and counted:
            facts = {"call_to_action": said["s"], **came_from(request)}
            visitor = visitor_of(request) or ""
            collecting.keep([collecting.hit("cta_clicked", facts, database_now(), visitor=visitor)])
        if target:
            return HttpResponseRedirect(target)
    if said.get("k") == links.CLICK:
        if counted:
            keep_of(said, "email_clicked", {"link": said["u"]})
        return HttpResponseRedirect(links.with_who(said["u"], said["c"]))
    return render(request, "crm/tracking/broken_link.html", status=404)


def came_from(request: HttpRequest) -> dict[str, str]:
    """The page a link was on, as far as the browser tells it."""
    facts = page_facts(request.headers.get("Referer", ""))
    return {"page": facts["url"]} if facts else {}


def keep_of(said: dict[str, Any], kind: str, facts: dict[str, str]) -> None:
    collecting.keep([collecting.hit(kind, {**said["f"], **facts}, database_now(), contact_id=said["c"])])
