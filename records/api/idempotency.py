"""Idempotency-Key: a POST that comes again with its key gets the reply it got, and is not carried out twice."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from django.db.models.functions import Now
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from records.api.problem_details import ApiProblem
from records.models import IdempotentReply
from records.problems import Problem

KEPT = dt.timedelta(hours=24)
KEY_LIMIT = 255


class Replayed(Exception):
    """The request was carried out before: this is what it was answered."""

    def __init__(self, kept: IdempotentReply) -> None:
        super().__init__(kept.key)
        self.kept = kept


def begin(request: Request, key: str) -> IdempotentReply:
    """Take the key for this request, within its transaction; a second one with the same key waits for the first.

    Raises Replayed when the first is done, ApiProblem 409 when it was another request, 400 for an unusable key.
    """
    if not key.isprintable() or not 1 <= len(key) <= KEY_LIMIT:
        message = _("An Idempotency-Key has 1 to %(limit)d printable characters.") % {"limit": KEY_LIMIT}
        raise ApiProblem("invalid", message, [Problem("Idempotency-Key", message, key)])
    token: Any = request.auth
    IdempotentReply.objects.filter(token=token, created_at__lt=Now() - KEPT).delete()
    fingerprint = fingerprint_of(request)
    kept = IdempotentReply(token=token, key=key, fingerprint=fingerprint)
    IdempotentReply.objects.bulk_create([kept], ignore_conflicts=True)
    found = IdempotentReply.objects.select_for_update().get(token=token, key=key)
    if found.fingerprint != fingerprint:
        detail = _("The Idempotency-Key “%(key)s” was used for another request. Use a new key for each request.")
        raise ApiProblem("conflict", detail % {"key": key}, [Problem("Idempotency-Key", detail % {"key": key}, key)])
    if found.status:
        raise Replayed(found)
    return found


def fingerprint_of(request: Request) -> str:
    parts = (request.method, request.get_full_path(), request.data)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def keep(kept: IdempotentReply, status: int, body: Any) -> None:
    """Store the reply; called in the request's transaction, so that reply and effect are one."""
    kept.status, kept.body = status, None if body is None else json.loads(JSONRenderer().render(body))
    kept.save(update_fields=["status", "body"])
