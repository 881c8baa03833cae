"""AI providers: which models steps can ask. Their keys belong to connections, and are never in a reply."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
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
from records.problems import DocumentError, Problem
from workflows.ai import providers
from workflows.models import AIProvider, Connection
from workflows.step_forms.webhook_fields import VIEW as SEE_CONNECTIONS

READ, WRITE = Scope.WORKFLOWS_READ.value, Scope.WORKFLOWS_WRITE.value
TEXT: Document = {"type": "string"}
FLAG: Document = {"type": "boolean"}
SETTABLE: Document = {
    "name": TEXT,
    "kind": {"type": "string", "enum": list(AIProvider.Kind.values), "description": "What it speaks like."},
    "connection": {"type": "string", "description": "The internal name of the connection with its address and key."},
    "path": {"type": "string", "description": "Between that address and the last part of the path, like /v1."},
    "model": TEXT,
    "structure": {
        "type": "string", "enum": list(AIProvider.Structure.values), "description": "How it asks for typed answers.",
    },
    "searches": {**FLAG, "description": "Whether the model searches the web by itself."},
    "longest": {"type": "integer", "minimum": 1, "maximum": providers.LONGEST, "description": "Tokens of an answer."},
    "is_default": {**FLAG, "description": "Whether steps ask it that name none."},
}  # fmt: skip
PROVIDER = object_shape(
    {"id": ID, "slug": {"type": "string", "description": "What steps name it by."}, **SETTABLE, "created_at": INSTANT},
    title="AIProvider",
)
NEEDED = ("name", "connection", "model")
NEW = object_shape(SETTABLE, optional=tuple(set(SETTABLE) - set(NEEDED)), title="NewAIProvider")
CHANGED = object_shape(SETTABLE, optional=tuple(SETTABLE), title="ChangedAIProvider")
SEE = "workflows.view_aiprovider"


class ChangedBody(Body):
    name = Line(required=False, max_length=120)
    kind = serializers.ChoiceField(required=False, choices=AIProvider.Kind.values)
    connection = Line(required=False, max_length=63)
    path = Line(required=False, max_length=200, allow_blank=True)
    model = Line(required=False, max_length=200)
    structure = serializers.ChoiceField(required=False, choices=AIProvider.Structure.values)
    searches = Flag(required=False)
    longest = Whole(required=False, min_value=1, max_value=providers.LONGEST)
    is_default = Flag(required=False)


class NewBody(ChangedBody):
    name = Line(max_length=120)
    connection = Line(max_length=63)
    model = Line(max_length=200)


class AIProviderView(ApiView):
    """Which language models there are to ask."""

    group = "ai_providers"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(Right(READ, SEE), gettext_lazy("Providers of language models"), PROVIDER, paged=True),
        "create": Route(
            Right(WRITE, "workflows.add_aiprovider"), gettext_lazy("Set up an AI provider"), PROVIDER, NEW, status=201
        ),
        "retrieve": Route(Right(READ, SEE), gettext_lazy("One AI provider"), PROVIDER),
        "partial_update": Route(
            Right(WRITE, "workflows.change_aiprovider"), gettext_lazy("Change an AI provider"), PROVIDER, CHANGED
        ),
        "destroy": Route(
            Right(WRITE, "workflows.delete_aiprovider"), gettext_lazy("Delete an AI provider that nothing uses"),
            status=204,
        ),
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        rows = AIProvider.objects.select_related("connection")
        return Response(page(request, rows, Order("id"), lambda found: [document(one) for one in found]))

    def create(self, request: Request) -> Response:
        made = providers.save(AIProvider(), facts_of(self.body(request, NewBody), request.user))
        place = request.build_absolute_uri(f"{request.path}{made.pk}/")
        return Response(document(made), status=201, headers={"Location": place})

    def retrieve(self, request: Request, id: int) -> Response:
        return Response(document(existing(id)))

    def partial_update(self, request: Request, id: int) -> Response:
        provider = existing(id)
        return Response(document(providers.save(provider, facts_of(self.body(request, ChangedBody), request.user))))

    def destroy(self, request: Request, id: int) -> Response:
        providers.delete(existing(id), request.user)
        return Response(status=204)


def facts_of(body: dict[str, Any], user: Any) -> dict[str, Any]:
    """What was sent, as `providers.save` takes it. Raises DocumentError for a connection the person may not use."""
    slug = body.get("connection")
    if slug is None:
        return body
    found = Connection.objects.filter(slug=slug).first() if user.has_perm(SEE_CONNECTIONS) else None
    if found is None:
        message = _("There is no connection “%(value)s” that you may use. Send the internal name of another one.")
        raise DocumentError([Problem("connection", message % {"value": slug}, slug)])
    return {**body, "connection": found}


def existing(provider_id: int) -> AIProvider:
    found = AIProvider.objects.select_related("connection").filter(pk=provider_id).first()
    if found is None:
        raise Http404
    return found


def document(provider: AIProvider) -> dict[str, Any]:
    own = ("name", "kind", "path", "model", "structure", "searches", "longest", "is_default")
    return {
        "id": provider.pk, "slug": provider.slug, "connection": provider.connection.slug,
        **{name: getattr(provider, name) for name in own}, "created_at": provider.created_at,
    }  # fmt: skip
