"""The address of inbound webhooks: open to everybody who knows it, without a session."""

from __future__ import annotations

import logging

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from records.api.addresses import address_of
from records.api.tallying import tally
from records.api.throttling import counter, per_window
from records.clock import database_now
from records.problems import DocumentError
from records.sealing import Unreadable
from workflows.models import Webhook
from workflows.webhooks import receiving

logger = logging.getLogger(__name__)

RETRY_AFTER = 10
#: Requests refused for the same reason that the log takes in ten seconds.
LOGGED = 10
#: What requests are counted as for `/metrics`.
TALLIED = "webhook"


@csrf_exempt
@never_cache
@transaction.non_atomic_requests
def receive_view(request: HttpRequest, token: str) -> JsonResponse:
    """202 with the id of what was received; an address that is none answers alike whatever is sent to it."""
    if request.method != "POST":
        return refused(405, _("Webhooks are sent with POST."), {"Allow": "POST"})
    webhook = receiving.known(token)
    if webhook is None:
        tally(TALLIED, "unknown_address")
        return unknown(request)
    number = counter.count(f"webhook:{webhook.pk}")
    most = per_window("WEBHOOK_RATE_LIMIT", 2_000)
    if number > most:
        tally(TALLIED, "refused_rate")
        if number == most + 1:
            receiving.refuse(webhook, "rate", database_now())
        return too_many(_("Too many requests came at once. Send it again in 10 s."))
    length = request.META.get("CONTENT_LENGTH") or ("" if "Transfer-Encoding" in request.headers else "0")
    if not (length.isascii() and length.isdigit()):
        tally(TALLIED, "refused_size")
        return refused(411, _("Send the body’s “Content-Length”, and not in chunks."))
    if len(length) > 12 or int(length) > receiving.body_limit():
        log(webhook, "size")
        message = _("The body is larger than the %(limit)d bytes a webhook takes. Send less.")
        return refused(413, message % {"limit": receiving.body_limit()})
    return take(request, webhook)


def take(request: HttpRequest, webhook: Webhook) -> JsonResponse:
    body, now = request.body, database_now()
    try:
        allowed = receiving.is_allowed(webhook, request.headers, body, now)
    except Unreadable as error:
        logger.error("The secret of webhook %d cannot be opened: %s", webhook.pk, error)
        log(webhook, "sealed")
        return refused(503, _("Signatures cannot be checked at the moment. Send it again later."))
    if not allowed:
        log(webhook, "signature", body=body)
        return refused(401, _("The signature is missing, wrong, or older than five minutes."))
    try:
        key = receiving.key_in(request.headers)
        payload = receiving.read(request.content_type or "", body)
    except DocumentError as error:
        told = " ".join(str(problem.message) for problem in error.problems[:3])
        log(webhook, "unreadable", error=told, body=body)
        return refused(400, told)
    public = receiving.receive(webhook, payload, key, now)
    tally(TALLIED, "accepted")
    return JsonResponse({"id": public}, status=202)


def log(webhook: Webhook, why: str, *, error: str = "", body: bytes = b"") -> None:
    """Keep a refused request for whoever wonders, but not thousands of them; all of them count."""
    tally(TALLIED, f"refused_{why}")
    if counter.count(f"webhook-refused:{webhook.pk}:{why}") <= LOGGED:
        receiving.refuse(webhook, why, database_now(), error=error, body=body)


def unknown(request: HttpRequest) -> JsonResponse:
    """Guessing is slow: an address on the network may be wrong now and then only."""
    if counter.count(f"failures:{address_of(request.META)}") > per_window("API_FAILURES_PER_10_S", 50):
        return too_many(_("Too many requests to addresses that are none. Try again in 10 s."))
    return refused(404, _("There is no webhook at this address."))


def too_many(detail: str) -> JsonResponse:
    return refused(429, detail, {"Retry-After": str(RETRY_AFTER)})


def refused(status: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse(
        {"type": "about:blank", "status": status, "detail": detail},
        status=status, headers=headers, content_type="application/problem+json",
    )  # fmt: skip
