"""Receiving: one request to a webhook's address becomes one row, which is compared with the records later."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from records.api.strict_json import parse
from records.happening import KEY_LIMIT
from records.problems import DocumentError, Problem
from records.sealing import unseal
from workflows import doorbell
from workflows.models import Webhook, WebhookRequest
from workflows.webhooks import mapping, signing
from workflows.webhooks.keeping import digest_of

FORM = "application/x-www-form-urlencoded"
#: How much of a body that cannot be read the log shows.
SHOWN = 500
Outcome = WebhookRequest.Outcome


def body_limit() -> int:
    """How many bytes a request's body may have (WEBHOOK_BODY_LIMIT)."""
    return int(getattr(settings, "WEBHOOK_BODY_LIMIT", 262_144))


def known(token: str) -> Webhook | None:
    """The webhook whose address ends with this token; None when there is none."""
    return Webhook.objects.defer("sample").filter(token_digest=digest_of(token)).first()


def is_allowed(webhook: Webhook, headers: Mapping[str, str], body: bytes, now: dt.datetime) -> bool:
    """Whether a request carries the signature that is asked for."""
    return not webhook.signed or signing.is_signed(unseal(webhook.secret_sealed), headers, body, now)


def key_in(headers: Mapping[str, str]) -> str | None:
    """The sender's id of the message. Raises DocumentError for one that is none."""
    key = headers.get(signing.ID)
    if key is None or (key.isprintable() and 1 <= len(key) <= KEY_LIMIT and encodable(key)):
        return key
    message = _("“%(header)s” has 1 to %(limit)d printable characters.")
    raise refusal(message % {"header": signing.ID, "limit": KEY_LIMIT})


def encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read(content_type: str, body: bytes) -> Any:
    """The payload of a body: JSON, or the fields of a form. Raises DocumentError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        return read_form(body)
    if kind.startswith("multipart/"):
        raise refusal(_("Send JSON, or a form as application/x-www-form-urlencoded; not in parts."))
    payload = parse(body)
    if not isinstance(payload, dict | list):
        raise refusal(_("The payload is a JSON object, or a list. Send one of these."))
    return payload


def read_form(body: bytes) -> Any:
    """The fields of a form as an object; one that was sent several times as a list."""
    try:
        fields = QueryDict(body, encoding="utf-8")
    except SuspiciousOperation:
        raise refusal(_("The form has too many fields.")) from None
    found = {name: values[0] if len(values) == 1 else values for name, values in fields.lists()}
    # Forms can carry what JSON may not: the same is refused.
    return parse(json.dumps(found).encode())


def refusal(message: str) -> DocumentError:
    return DocumentError([Problem("", message)])


def receive(webhook: Webhook, payload: Any, key: str | None, now: dt.datetime) -> str:
    """Store a request once for each id of its sender, and the public id of it: the same for one that comes again."""
    made = WebhookRequest(webhook=webhook, key=key, payload=payload, received_at=now)
    if key is None and not webhook.listening:
        made.save(force_insert=True)
        transaction.on_commit(ring, robust=True)
        return str(made.public)
    with transaction.atomic():
        WebhookRequest.objects.bulk_create([made], ignore_conflicts=key is not None)
        if key is not None:
            first = WebhookRequest.objects.only("public").get(webhook=webhook, key=key)
            if first.public != made.public:
                return str(first.public)
        if webhook.listening:
            mapping.capture(webhook, payload, now)
        transaction.on_commit(ring, robust=True)
    return str(made.public)


def ring() -> None:
    doorbell.ring("bulk")


def refuse(webhook: Webhook, why: str, now: dt.datetime, *, error: str = "", body: bytes = b"") -> None:
    """Log a request that was refused, for a reason of workflows.webhooks.telling."""
    shown = body[:SHOWN].decode(errors="replace").replace("\x00", "␀")
    detail = {"why": why} | ({"error": error[:SHOWN]} if error else {}) | ({"body": shown} if shown else {})
    WebhookRequest.objects.create(webhook=webhook, received_at=now, outcome=Outcome.REFUSED, detail=detail)
