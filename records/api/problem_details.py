"""Every error of the API as a problem document (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response

from records.problems import DocumentError, Problem

logger = logging.getLogger("django.request")
CONTENT_TYPE = "application/problem+json"

#: Kind of problem → (status, title). The kind is the last part of `type`.
KINDS: dict[str, tuple[int, Any]] = {
    "invalid_json": (400, gettext_lazy("The document cannot be read")),
    "invalid": (400, gettext_lazy("The request is not valid")),
    "not_authenticated": (401, gettext_lazy("No valid token")),
    "forbidden": (403, gettext_lazy("Not allowed")),
    "not_found": (404, gettext_lazy("Not found")),
    "method_not_allowed": (405, gettext_lazy("Method not allowed")),
    "conflict": (409, gettext_lazy("In conflict with a change made meanwhile")),
    "merged": (410, gettext_lazy("Merged into another record")),
    "length_required": (411, gettext_lazy("The length is missing")),
    "too_large": (413, gettext_lazy("The document is too large")),
    "unsupported_media_type": (415, gettext_lazy("Not JSON")),
    "precondition_required": (428, gettext_lazy("A precondition is missing")),
    "throttled": (429, gettext_lazy("Too many requests")),
    "internal": (500, gettext_lazy("An error of ours")),
    "unavailable": (503, gettext_lazy("The database does not answer")),
}


class ApiProblem(Exception):
    """A problem to reply with: its kind, a whole sentence, faults by path, and members of its own (RFC 9457 §3.2)."""

    def __init__(
        self,
        kind: str,
        detail: str,
        problems: Iterable[Problem] = (),
        *,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.problems = kind, detail, list(problems)
        self.headers, self.members = headers or {}, members


def reply(problem: ApiProblem) -> Response:
    status, title = KINDS[problem.kind]
    body = {
        "type": f"urn:headrace:problem:{problem.kind}",
        "title": str(title),
        "status": status,
        "detail": problem.detail,
        "errors": [fault.as_json() for fault in problem.problems],
    }
    return Response(
        body | problem.members, status=status, headers=problem.headers, content_type=f"{CONTENT_TYPE}; charset=utf-8"
    )


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: any exception becomes a problem; an unexpected one is logged and told to nobody."""
    if isinstance(error, ApiProblem):
        return reply(error)
    if isinstance(error, DocumentError):
        return reply(of_document(error))
    if isinstance(error, exceptions.APIException):
        return reply(of_framework(error, context["request"].META.get("CONTENT_TYPE", "")))
    if isinstance(error, Http404):
        return reply(ApiProblem("not_found", _("There is nothing here.")))
    if isinstance(error, PermissionDenied):
        return reply(ApiProblem("forbidden", str(error) or _("You may not do this.")))
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("The database does not answer: %s", str(error).strip())
        detail = _("The database does not answer, or not in time; nothing was changed. Try again in some seconds.")
        return reply(ApiProblem("unavailable", detail, headers={"Retry-After": "5"}))
    request = context["request"]
    logger.error("API error: %s %s", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=None, request=request)
    detail = _("The server failed to carry out the request; nothing was changed. The error is in its log.")
    return reply(ApiProblem("internal", detail))


def of_document(error: DocumentError) -> ApiProblem:
    unreadable = any(problem.code == "invalid_json" for problem in error.problems)
    first = error.problems[0].message if error.problems else _("The request is not valid.")
    return ApiProblem("invalid_json" if unreadable else "invalid", str(first), error.problems)


def of_framework(error: exceptions.APIException, content_type: str) -> ApiProblem:
    if isinstance(error, exceptions.ValidationError):
        problems = list(flatten(error.detail))
        return ApiProblem("invalid", problems[0].message if problems else _("The request is not valid."), problems)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        missing = _("Send a token: “Authorization: Bearer hrk_…”. Make one with “manage.py api_token USERNAME”.")
        detail = missing if isinstance(error, exceptions.NotAuthenticated) else str(error.detail)
        return ApiProblem("not_authenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="api"'})
    if isinstance(error, exceptions.Throttled):
        wait = max(1, round(getattr(error, "wait", None) or 1))
        detail = _("Too many requests. Try again in %(seconds)d s.") % {"seconds": wait}
        return ApiProblem("throttled", detail, headers={"Retry-After": str(wait)})
    if isinstance(error, exceptions.UnsupportedMediaType):
        detail = _("The content type “%(type)s” is not taken. Send JSON with “Content-Type: application/json”.")
        return ApiProblem("unsupported_media_type", detail % {"type": content_type})
    if error.status_code == 405:
        detail = _("%(detail)s See “Allow” for the ones there are.") % {"detail": error.detail}
        return ApiProblem("method_not_allowed", detail)
    kinds = {status: kind for kind, (status, _title) in reversed(KINDS.items())}
    return ApiProblem(kinds.get(error.status_code, "invalid"), str(error.detail))


def flatten(detail: Any, path: str = "") -> Iterator[Problem]:
    """The errors of a serializer, nested by field and index, as problems by path."""
    if isinstance(detail, dict):
        for key, inside in detail.items():
            yield from flatten(inside, path if key == "non_field_errors" else f"{path}.{key}".lstrip("."))
    elif isinstance(detail, list):
        for index, inside in enumerate(detail):
            nested = isinstance(inside, dict | list)
            yield from flatten(inside, f"{path}.{index}".lstrip(".") if nested else path)
    else:
        yield Problem(path, str(detail))
