"""Connections: what they are, and setting their secrets, which are never in a reply but once."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.record_shapes import ID, INSTANT
from records.api.schema import Document, Route, object_shape
from records.api.serializing import Body, Flag, Line, Whole
from records.api.views import ApiView
from records.models import Scope
from workflows.models import Connection
from workflows.outside import connecting

READ, WRITE = Scope.WORKFLOWS_READ.value, Scope.WORKFLOWS_WRITE.value
TEXT: Document = {"type": "string"}
AUTH: Document = {"type": "string", "enum": list(Connection.Auth.values)}
PER: Document = {"type": "string", "enum": list(Connection.Per.values)}
LIMIT: Document = {"anyOf": [object_shape({"count": {"type": "integer", "minimum": 1}, "per": PER}), {"type": "null"}]}
HELD = object_shape({
    "set_at": {**INSTANT, "type": ["string", "null"]},
    "set_by": {"type": ["string", "null"]},
    "ends": {"type": "string", "description": "Its last two signs; none of a short one."},
})  # fmt: skip
SETTABLE: Document = {
    "name": TEXT,
    "origin": {"type": "string", "description": "Its address, like https://api.example.com."},
    "auth": {**AUTH, "description": "How it signs in."},
    "auth_name": {"type": "string", "description": "The name of the header or parameter, or the user name."},
    "limit": {**LIMIT, "description": "How many requests may leave; null for no limit of its own."},
}
CONNECTION = object_shape(
    {
        "id": ID, "slug": {"type": "string", "description": "What steps name it by."}, **SETTABLE,
        "secret": {"anyOf": [HELD, {"type": "null"}], "description": "What is known of its secret, not the secret."},
        "signed": {"type": "boolean", "description": "Whether requests are signed."}, "created_at": INSTANT,
    },
    title="Connection",
)  # fmt: skip
SECRET_TEXT: Document = {"type": "string", "description": "A token, key or password; it cannot be read again."}
NEW = object_shape(
    {**SETTABLE, "secret": SECRET_TEXT}, optional=("auth", "auth_name", "limit", "secret"), title="NewConnection"
)
CHANGED = object_shape(
    {**SETTABLE, "secret": SECRET_TEXT, "signed": {"const": False}}, optional=(*SETTABLE, "secret", "signed"),
    title="ChangedConnection",
)  # fmt: skip
SIGNING = object_shape(
    {"secret": {"type": "string", "description": "Signs requests; it cannot be read again."}}, title="SigningSecret"
)
VIEW, CHANGE = "workflows.view_connection", "workflows.change_connection"


class LimitBody(Body):
    count = Whole(min_value=1, max_value=connecting.LIMIT_COUNT)
    per = serializers.ChoiceField(choices=Connection.Per.values)


class SettableBody(Body):
    name = Line(required=False, max_length=120)
    origin = Line(required=False, max_length=300)
    auth = serializers.ChoiceField(required=False, choices=Connection.Auth.values)
    auth_name = Line(required=False, max_length=100, allow_blank=True)
    secret = Line(required=False, max_length=connecting.SECRET_LENGTH)
    limit: Any = serializers.JSONField(required=False, allow_null=True)


class ChangedBody(SettableBody):
    signed = Flag(required=False)

    def validate_signed(self, value: bool) -> bool:
        if value:
            raise serializers.ValidationError(gettext_lazy("Send false, or POST to “sign” for a secret."))
        return value


class NewBody(SettableBody):
    name = Line(max_length=120)
    origin = Line(max_length=300)


class ConnectionView(ApiView):
    """Secrets are taken and never given back."""

    group = "connections"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(Right(READ, VIEW), gettext_lazy("Connections with other systems"), CONNECTION, paged=True),
        "create": Route(
            Right(WRITE, "workflows.add_connection"), gettext_lazy("Create a connection"), CONNECTION, NEW, status=201
        ),
        "retrieve": Route(Right(READ, VIEW), gettext_lazy("One connection"), CONNECTION),
        "partial_update": Route(
            Right(WRITE, CHANGE), gettext_lazy("Change a connection, or set its secret"), CONNECTION, CHANGED
        ),
        "destroy": Route(
            Right(WRITE, "workflows.delete_connection"), gettext_lazy("Delete a connection that nothing uses"),
            status=204,
        ),
        "sign": Route(Right(WRITE, CHANGE), gettext_lazy("Sign requests with a new secret"), SIGNING),
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        rows = Connection.objects.select_related("secret_set_by")
        return Response(page(request, rows, Order("id"), lambda found: [document(one) for one in found]))

    def create(self, request: Request) -> Response:
        made = connecting.create(facts_of(self.body(request, NewBody)), by=request.user, now=self.now())
        place = request.build_absolute_uri(f"{request.path}{made.pk}/")
        return Response(document(made), status=201, headers={"Location": place})

    def retrieve(self, request: Request, id: int) -> Response:
        return Response(document(existing(id)))

    def partial_update(self, request: Request, id: int) -> Response:
        connection, body = existing(id), self.body(request, ChangedBody)
        connecting.change(connection, facts_of(body), by=request.user, now=self.now())
        if "signed" in body:
            connecting.unsign(connection)
        return Response(document(existing(id)))

    def destroy(self, request: Request, id: int) -> Response:
        connecting.delete(existing(id), request.user)
        return Response(status=204)

    def sign(self, request: Request, id: int) -> Response:
        return Response({"secret": connecting.sign(existing(id), now=self.now())})


def facts_of(body: dict[str, Any]) -> dict[str, Any]:
    """What was sent, as the verbs take it."""
    facts = {name: body[name] for name in connecting.FACTS if name in body}
    if "limit" in body:
        limit = LimitBody.read(body["limit"], "limit") if body["limit"] is not None else None
        facts |= {"limit_count": limit["count"], "limit_per": limit["per"]} if limit else {"limit_count": None}
    return facts


def existing(connection_id: int) -> Connection:
    found = Connection.objects.select_related("secret_set_by").filter(pk=connection_id).first()
    if found is None:
        raise Http404
    return found


def document(connection: Connection) -> dict[str, Any]:
    count = connection.limit_count
    by = connection.secret_set_by
    held = {
        "set_at": connection.secret_set_at, "set_by": by.get_username() if by else None,
        "ends": connection.secret_ends,
    }  # fmt: skip
    return {
        "id": connection.pk, "slug": connection.slug, "name": connection.name, "origin": connection.origin,
        "auth": connection.auth, "auth_name": connection.auth_name,
        "limit": {"count": count, "per": connection.limit_per} if count else None,
        "secret": held if connection.secret_sealed else None, "signed": connection.signs,
        "created_at": connection.created_at,
    }  # fmt: skip
