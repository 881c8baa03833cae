"""How much anybody may send to the addresses that need no login."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from records.api.throttling import counter


def client_address(request: HttpRequest) -> str:
    """The network address a request came from; behind a trusted proxy the one the proxy has seen."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded[:64]
    return str(request.META.get("REMOTE_ADDR", ""))


def within_limit(request: HttpRequest, what: str, limit: int) -> bool:
    """Whether the address has sent no more than `limit` requests of this kind in ten seconds.

    Counted in Redis for all processes; in this process alone while Redis does not answer.
    """
    return counter.count(f"{what}:{client_address(request)}") <= limit
