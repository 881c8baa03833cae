"""How much anybody may send to the addresses that need no login."""

from __future__ import annotations

from django.http import HttpRequest

from crm.forms.limiting import address_of
from records.api.throttling import counter


def within_limit(request: HttpRequest, what: str, limit: int) -> bool:
    """Whether the address has sent no more than `limit` requests of this kind in ten seconds.

    Counted in Redis for all processes; in this process alone while Redis does not answer.
    """
    return counter.count(f"{what}:{address_of(request)}") <= limit
