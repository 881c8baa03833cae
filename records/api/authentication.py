"""Who sends a request, and what they may do: bearer tokens, their scopes, and their owner's permissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from records.api import tokens
from records.api.problem_details import ApiProblem
from records.models import ApiToken


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer hrk_…`, and nothing else: no session, no token in the address."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _space, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not kind:
            return None
        if kind.lower() != "bearer":
            raise AuthenticationFailed(_("Send the token as “Authorization: Bearer hrk_…”."))
        token = tokens.recognise(secret.strip())
        if token is None:
            raise AuthenticationFailed(
                _("The token is unknown, expired or revoked. Make a new one with “manage.py api_token USERNAME”.")
            )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


@dataclass(frozen=True)
class Right:
    """What a route asks for: a scope of the token and, unless "", a permission of its owner (“app.code”)."""

    scope: str
    permission: str = ""


class HasRight(BasePermission):
    """The token has the scope and its owner the permission the view declares for the action: both, or 403.

    A view that declares none for an action is not open but broken: KeyError.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            return False
        if not view.unanswered:
            demand(request, view.right())
        return True


def demand(request: Request, right: Right) -> None:
    """Raise the 403 that says what is missing and where to get it."""
    token: Any = request.auth
    if right.scope not in token.scopes:
        detail = _(
            "The token lacks the scope “%(scope)s”. Use one made with it: “manage.py api_token --scopes %(scope)s”."
        )
        raise ApiProblem("forbidden", detail % {"scope": right.scope})
    if right.permission and not request.user.has_perm(right.permission):
        detail = _("%(user)s lacks the permission “%(permission)s”. An administrator can give it.")
        raise ApiProblem("forbidden", detail % {"user": request.user.username, "permission": right.permission})
