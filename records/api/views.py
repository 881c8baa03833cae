"""What every route of the API has in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import transaction
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from records.api import idempotency
from records.api.authentication import BearerAuthentication, HasRight, Right
from records.api.parsing import AlwaysJson, StrictJsonParser
from records.api.problem_details import ApiProblem, handle
from records.api.schema import CURSOR, PAGE_SIZE, ApiSchema, Route
from records.api.serializing import Body
from records.api.throttling import FailureThrottle, TokenThrottle
from records.clock import database_now
from records.ids import id_of
from records.journal import change_source
from records.problems import DocumentError, Problem
from records.seeing import read_by


class ApiView(ViewSet):
    """A set of routes, each declared: the right it asks for, what goes in, what comes out.

    Query parameters that are not declared are refused, because a misspelt filter would match everything. POSTs take
    an `Idempotency-Key`. Everything that fails is a problem document (records.api.problem_details).
    """

    #: Every action's declaration; a view without one for its action is broken, not open.
    routes: ClassVar[dict[str, Route]] = {}
    #: What the routes are about: heading in the OpenAPI document, start of operation ids.
    group: str = ""

    authentication_classes = (BearerAuthentication,)
    permission_classes = (HasRight,)
    throttle_classes = (TokenThrottle,)
    parser_classes = (StrictJsonParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson
    metadata_class = None
    schema = ApiSchema()

    @property
    def unanswered(self) -> bool:
        """Whether no action takes the method; DRF calls OPTIONS "metadata", which this API has in its schema."""
        return self.action in (None, "metadata")

    def right(self) -> Right:
        return self.routes[self.action].right

    def get_exception_handler(self) -> Any:
        return handle

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's, read by the token's owner, who is known once somebody asks: the middleware knows of sessions only."""
        with read_by(SimpleLazyObject(lambda: self.request.user)):
            return self.answer(request, *args, **kwargs)

    def answer(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST" or "Idempotency-Key" not in request.headers:
            return super().dispatch(request, *args, **kwargs)
        self.kept: idempotency.IdempotentReply | None = None
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif self.kept is not None:
                idempotency.keep(self.kept, response.status_code, response.data)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "Transfer-Encoding" in request.headers and not request.META.get("CONTENT_LENGTH"):
            raise ApiProblem("length_required", _("Send the document's “Content-Length”, and not in chunks."))
        if self.unanswered:
            raise MethodNotAllowed(request.method or "")
        self.refuse_unknown_parameters(request)
        if hasattr(self, "kept"):
            self.kept = idempotency.begin(request, request.headers["Idempotency-Key"])

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, idempotency.Replayed):
            return Response(exc.kept.body, status=exc.kept.status, headers={"Idempotent-Replayed": "true"})
        if isinstance(exc, NotAuthenticated | AuthenticationFailed):
            throttle = FailureThrottle()
            if not throttle.allow_request(self.request, self):
                detail = _("Too many requests without a valid token. Try again in 10 s.")
                exc = ApiProblem("throttled", detail, headers={"Retry-After": "10"})
        return super().handle_exception(exc)

    def refuse_unknown_parameters(self, request: Request) -> None:
        route = self.routes[self.action]
        known = [parameter.name for parameter in (*route.parameters, *((CURSOR, PAGE_SIZE) if route.paged else ()))]
        message = _("There is no query parameter “%(name)s” here. Use: %(known)s.")
        shown = ", ".join(known) or _("none")
        faults = [
            Problem(name, message % {"name": name, "known": shown}, name, code="unknown_field")
            for name in request.query_params
            if name not in known
        ]
        if faults:
            raise DocumentError(faults)

    def body(self, request: Request, shape: type[Body]) -> dict[str, Any]:
        """The request's document, checked against its shape; DocumentError by path otherwise."""
        return shape.read(request.data)

    def source(self, request: Request) -> Any:
        """The context in which changes are journaled as made by this token's owner through the API."""
        return change_source("api", actor=request.user, token=request.auth.pk)

    def now(self) -> Any:
        return database_now()


def whole_number(request: Request, name: str) -> int | None:
    """A query parameter that is a positive whole number, None when absent; DocumentError otherwise."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if (found := id_of(text)) is not None:
        return found
    message = _("“%(value)s” is not a whole number. Send one, like %(name)s=42.") % {"value": text, "name": name}
    raise DocumentError([Problem(name, message, text)])


def one_of(request: Request, name: str, known: Iterable[str]) -> str | None:
    """A query parameter with one of a few values, None when absent; DocumentError otherwise."""
    text, values = request.query_params.get(name), list(known)
    if text is None or text in values:
        return text
    message = _("“%(value)s” is not known here. Use one of: %(known)s.")
    raise DocumentError([Problem(name, message % {"value": text, "known": ", ".join(values)}, text)])
