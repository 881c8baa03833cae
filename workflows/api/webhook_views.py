"""Inbound webhooks: what they are, their addresses and secrets, and the requests they have received."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right, demand
from records.api.pages import Order, page
from records.api.record_shapes import ID, INSTANT
from records.api.schema import Document, Route, object_shape, query
from records.api.serializing import Body, Flag, Line
from records.api.views import ApiView, one_of
from records.models import Scope
from records.object_types import object_types
from records.seeing import may_see
from workflows.models import Webhook, WebhookRequest
from workflows.models.webhook import TYPES
from workflows.webhooks import keeping, mapping, telling

READ, WRITE, HISTORY = Scope.WORKFLOWS_READ.value, Scope.WORKFLOWS_WRITE.value, Scope.HISTORY_READ.value
TEXT: Document = {"type": "string"}
FLAG: Document = {"type": "boolean"}
ANYTHING: Document = {"description": "JSON as it was sent; null when there is none."}
TYPE: Document = {"type": "string", "enum": list(TYPES)}
PATH: Document = {"type": "string", "description": "Its place in the payload, like “order.total” or “items.0.price”."}
MATCH = object_shape({"path": PATH, "property": {"type": "string", "description": "A unique property’s slug."}})
PROPERTY = object_shape({"path": PATH, "slug": TEXT, "label": TEXT, "type": TYPE, "removed": FLAG})
CHANGED_PROPERTY = object_shape(
    {"path": PATH, "label": TEXT, "type": TYPE, "removed": FLAG}, optional=("label", "type", "removed")
)
FACTS: Document = {
    "id": ID,
    "name": TEXT,
    "event": {"type": "string", "description": "The event its requests are, in triggers and filters."},
    "object": {"type": "string", "description": "The object type of the records requests are about."},
    "signed": {"type": "boolean", "description": "Whether requests have to be signed."},
    "listening": {"type": "boolean", "description": "Whether the next request becomes the test payload."},
    "match": {"anyOf": [MATCH, {"type": "null"}]},
    "properties": {"type": "array", "items": PROPERTY},
    "sample": {"description": "The test payload; null when there is none, and for who may not change the webhook."},
    "sampled_at": {**INSTANT, "type": ["string", "null"]},
    "created_at": INSTANT,
}
WEBHOOK = object_shape(FACTS, title="Webhook")
ADDRESSED = object_shape(
    {**FACTS, "address": {"type": "string", "description": "Where to send: keep it like a password."}},
    title="WebhookWithAddress",
)
SECRET = object_shape(
    {"secret": {"type": "string", "description": "Signs requests; it cannot be read again."}}, title="WebhookSecret"
)
NEW = object_shape({"name": TEXT, "object": TEXT}, title="NewWebhook")
CHANGED = object_shape(
    {
        "name": TEXT, "match": MATCH, "properties": {"type": "array", "items": CHANGED_PROPERTY},
        "listening": {"const": True}, "signed": {"const": False},
    },
    optional=("name", "match", "properties", "listening", "signed"), title="ChangedWebhook",
)  # fmt: skip
OUTCOME: Document = {"type": "string", "enum": list(WebhookRequest.Outcome.values)}
REQUEST = object_shape(
    {
        "id": {"type": "string", "format": "uuid", "description": "As it was answered to the sender."},
        "received_at": INSTANT, "outcome": OUTCOME, "sentence": TEXT, "payload": ANYTHING,
        "record": {"type": ["integer", "null"]}, "event": {"type": ["integer", "null"]},
    },
    title="WebhookRequest",
)  # fmt: skip
VIEW, CHANGE = "workflows.view_webhook", "workflows.change_webhook"


class NewBody(Body):
    name = Line(max_length=120)
    object: Any = Line(max_length=50)


class MatchBody(Body):
    path = Line(max_length=500, trim_whitespace=False)
    property = Line(max_length=63)


class PropertyBody(Body):
    path = Line(max_length=500, trim_whitespace=False)
    label: Any = Line(required=False, max_length=120)
    type = serializers.ChoiceField(required=False, choices=TYPES)
    removed = Flag(required=False)


class ChangedBody(Body):
    name = Line(required=False, max_length=120)
    match: Any = serializers.JSONField(required=False)
    properties: Any = serializers.ListField(required=False, max_length=1_000)
    listening = Flag(required=False)
    signed = Flag(required=False)

    def validate_listening(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError(gettext_lazy("Send true: the next request ends it."))
        return value

    def validate_signed(self, value: bool) -> bool:
        if value:
            raise serializers.ValidationError(gettext_lazy("Send false, or POST to “sign” for a secret."))
        return value


class WebhookView(ApiView):
    """Requests are shown to who may see the records they are about."""

    group = "webhooks"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(Right(READ, VIEW), gettext_lazy("Inbound webhooks"), WEBHOOK, paged=True),
        "create": Route(
            Right(WRITE, "workflows.add_webhook"), gettext_lazy("Create a webhook with an address of its own"),
            ADDRESSED, NEW, status=201,
        ),
        "retrieve": Route(Right(READ, VIEW), gettext_lazy("One webhook"), WEBHOOK),
        "partial_update": Route(
            Right(WRITE, CHANGE), gettext_lazy("Change a webhook: its name, properties and match"), WEBHOOK, CHANGED
        ),
        "destroy": Route(
            Right(WRITE, "workflows.delete_webhook"), gettext_lazy("Delete a webhook that nothing uses"), status=204
        ),
        "rotate": Route(Right(WRITE, CHANGE), gettext_lazy("Give a webhook another address"), ADDRESSED),
        "sign": Route(Right(WRITE, CHANGE), gettext_lazy("Ask for requests signed with a new secret"), SECRET),
        "requests": Route(
            Right(HISTORY, VIEW), gettext_lazy("The requests a webhook has received, newest first"), REQUEST,
            parameters=(query("outcome", "Only those.", enum=list(WebhookRequest.Outcome.values)),), paged=True,
        ),
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        rows = Webhook.objects.prefetch_related("properties")
        return Response(page(request, rows, Order("id"), lambda found: [document(one, request.user) for one in found]))

    def create(self, request: Request) -> Response:
        body = self.body(request, NewBody)
        made = keeping.create(body["name"], body["object"], by=request.user)
        place = request.build_absolute_uri(f"{request.path}{made.pk}/")
        return Response(self.addressed(request, made), status=201, headers={"Location": place})

    def retrieve(self, request: Request, id: int) -> Response:
        return Response(document(existing(id), request.user))

    def partial_update(self, request: Request, id: int) -> Response:
        webhook, body = existing(id), self.body(request, ChangedBody)
        match = MatchBody.read(body["match"], "match") if "match" in body else None
        changes = [
            PropertyBody.read(one, f"properties.{place}") for place, one in enumerate(body.get("properties", []))
        ]
        with transaction.atomic():
            if "name" in body:
                keeping.rename(webhook, body["name"])
            if changes:
                facts = {one["path"]: {key: one[key] for key in one if key != "path"} for one in changes}
                mapping.change(webhook, facts)
            if match is not None:
                keeping.match_by(webhook, match["path"], match["property"])
            if "listening" in body:
                mapping.listen(webhook)
            if "signed" in body:
                keeping.take_unsigned(webhook)
        return Response(document(existing(id), request.user))

    def destroy(self, request: Request, id: int) -> Response:
        keeping.delete(existing(id))
        return Response(status=204)

    def rotate(self, request: Request, id: int) -> Response:
        webhook = existing(id)
        keeping.rotate(webhook)
        return Response(self.addressed(request, webhook))

    def sign(self, request: Request, id: int) -> Response:
        return Response({"secret": keeping.demand_signature(existing(id))})

    def requests(self, request: Request, id: int) -> Response:
        webhook = existing(id)
        kind = object_types.get(webhook.object_type)
        if kind is not None and not may_see(request.user, kind):
            meta = kind.model._meta
            demand(request, Right(HISTORY, f"{meta.app_label}.view_{meta.model_name}"))
        outcome = one_of(request, "outcome", WebhookRequest.Outcome.values)
        rows = WebhookRequest.objects.filter(webhook=webhook)
        rows = rows.filter(outcome=outcome) if outcome else rows
        order = Order("-id", descending=True)
        return Response(page(request, rows, order, lambda found: [request_document(webhook, one) for one in found]))

    def addressed(self, request: Request, webhook: Webhook) -> dict[str, Any]:
        path = reverse("webhook", args=[keeping.token_of(webhook)])
        return document(webhook, request.user) | {"address": request.build_absolute_uri(f"{path}/")}


def existing(webhook_id: int) -> Webhook:
    found = Webhook.objects.prefetch_related("properties").filter(pk=webhook_id).first()
    if found is None:
        raise Http404
    return found


def document(webhook: Webhook, user: Any) -> dict[str, Any]:
    match = {"path": webhook.match_path, "property": webhook.match_property} if webhook.match_path else None
    return {
        "id": webhook.pk, "name": webhook.name, "event": webhook.slug, "object": webhook.object_type,
        "signed": webhook.signed, "listening": webhook.listening, "match": match,
        "properties": [
            {"path": one.path, "slug": one.slug, "label": one.label, "type": one.type, "removed": one.removed}
            for one in webhook.properties.all()
        ],
        "sample": keeping.sample_for(webhook, user), "sampled_at": webhook.sampled_at,
        "created_at": webhook.created_at,
    }  # fmt: skip


def request_document(webhook: Webhook, row: WebhookRequest) -> dict[str, Any]:
    return {
        "id": str(row.public), "received_at": row.received_at, "outcome": row.outcome,
        "sentence": telling.sentence(webhook, row), "payload": row.payload,
        "record": row.record_id, "event": row.event_id,
    }  # fmt: skip
