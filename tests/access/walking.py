"""Every address of the installation, and what somebody gets who asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from django.urls.resolvers import RegexPattern

PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
#: A place in an address that is a regular expression.
GROUP = re.compile(r"\(\?P<(\w+)>[^()]*\)\??")
IN, OUT, NEVER = "+", ".", "-"


@dataclass(frozen=True)
class Route:
    """An address with its places, such as "admin/crm/deal/<path:object_id>/change/"."""

    route: str
    pattern: URLPattern

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods worth asking: an API route says which it takes."""
        actions: Mapping[str, str] = getattr(self.pattern.callback, "actions", {})
        return tuple(sorted(name.upper() for name in actions if name != "head")) or ("GET", "POST")

    def path(self, values: Mapping[str, Any]) -> str:
        return "/" + PLACE.sub(lambda found: str(values[found[1]]), self.route)


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[Route]:
    for pattern in (resolver or get_resolver()).url_patterns:
        place = str(pattern.pattern)
        if isinstance(pattern.pattern, RegexPattern):
            place = GROUP.sub(r"<\1>", place).strip("^$").replace("/?", "/")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, prefix + place)
        else:
            yield Route(prefix + place, pattern)


def asked(user: Any, secret: str, method: str, path: str, document: str = "") -> int:
    """The status somebody gets who asks for an address; whatever it did is taken back.

    The view is called as Django's handler would call it, but no page is drawn and no middleware comes before: none of
    them asks who somebody is.
    """
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}"} if secret and path.startswith("/api/") else {}
    factory: Any = RequestFactory()
    kind = "application/json" if document else "" if path.startswith("/api/") else "application/x-www-form-urlencoded"
    request = factory.generic(method, path, document, kind, **headers)
    request.user, request.session = user, SessionStore()
    request._messages, request._dont_enforce_csrf_checks, request.htmx = CookieStorage(request), True, False
    match = resolve(request.path_info)
    request.resolver_match = match
    with transaction.atomic():
        try:
            found: HttpResponse = match.func(request, *match.args, **match.kwargs)
            status = turned_away(found["Location"]) if found.status_code == 302 else found.status_code
        except PermissionDenied:
            status = 403
        except Http404:
            status = 404
        except SuspiciousOperation:
            status = 400
        transaction.set_rollback(True)
    return status


def turned_away(location: str) -> int:
    """The status a redirect stands for: to sign in is 401; home, from what is not there for somebody, is 404."""
    if location.startswith(reverse("admin:login")):
        return 401
    return 404 if location == reverse("admin:index") else 302


def mark(status: int) -> str:
    """Let in, refused, or a method the address does not take. What is not there for somebody is refused."""
    return NEVER if status == 405 else OUT if status in (401, 403, 404) else IN
