"""How much anybody may send to the addresses that need no login."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from records.api.addresses import address_of
from records.api.throttling import WINDOW, counter

View = Callable[..., HttpResponseBase]


def within_limit(request: HttpRequest, what: str, limit: int) -> bool:
    """Whether the address has sent no more than `limit` requests of this kind in ten seconds.

    Counted in Redis for all processes; in this process alone while Redis does not answer.
    """
    return counter.count(f"{what}:{address_of(request.META)}") <= limit


def limited(what: str) -> Callable[[View], View]:
    """A view that answers 429 to addresses which send more than TRACKING_REQUEST_LIMIT requests of this kind."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            allowed = within_limit(request, what, settings.TRACKING_REQUEST_LIMIT)
            return view(request, *args, **kwargs) if allowed else too_many()

        return answer

    return decorate


def too_many() -> HttpResponse:
    text = _("Too many requests. Try again in ten seconds.")
    return HttpResponse(
        text, status=429, content_type="text/plain; charset=utf-8", headers={"Retry-After": str(WINDOW)}
    )
