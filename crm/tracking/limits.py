"""How much anybody may send to the addresses that need no login."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from records.api.throttling import counter


def address_of(request: HttpRequest) -> str:
    """The network address a request came from; behind a proxy of ours the one it says it has talked to."""
    told = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    return str(told.rpartition(",")[2].strip()[:64] or request.META.get("REMOTE_ADDR", ""))


def within_limit(request: HttpRequest, what: str, limit: int) -> bool:
    """Whether the address has sent no more than `limit` requests of this kind in ten seconds.

    Counted in Redis for all processes; in this process alone while Redis does not answer.
    """
    return counter.count(f"{what}:{address_of(request)}") <= limit
