"""The messages of one conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.conversing import BODY_LIMIT, Written, write_down
from crm.models import Message
from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.record_shapes import INSTANT
from records.api.record_views import READ, WRITE, ObjectView
from records.api.schema import Document, Route, object_shape
from records.api.serializing import Body, Flag, Line
from records.problems import DocumentError, Problem

TEXT: Document = {"type": "string"}
DIRECTION: Document = {"type": "string", "enum": Message.Direction.values}
KEY: Document = {"type": ["string", "null"], "description": "Your own id of the message: sent twice, it is kept once."}
AUTHOR: Document = {"type": ["string", "null"], "description": "The username of who of us has sent it."}
MESSAGE = object_shape(
    {
        "id": {"type": "integer"}, "direction": DIRECTION, "body": TEXT, "at": INSTANT, "sender": TEXT,
        "author": AUTHOR, "automatic": {"type": "boolean"}, "key": KEY,
    },
    title="Message",
)  # fmt: skip
WRITTEN = object_shape(
    {
        "direction": DIRECTION, "body": TEXT, "at": INSTANT, "sender": TEXT, "author": AUTHOR,
        "automatic": {"type": "boolean"}, "key": KEY,
    },
    optional=("at", "sender", "author", "automatic", "key"),
    title="WrittenMessage",
)  # fmt: skip


class MessageBody(Body):
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    body = Line(max_length=BODY_LIMIT)
    at = serializers.DateTimeField(required=False)
    sender = Line(max_length=254, required=False, allow_blank=True)
    author = Line(max_length=150, required=False, allow_null=True)
    automatic: Any = Flag(required=False)
    key = Line(max_length=255, required=False, allow_null=True)


class MessageView(ObjectView):
    """What was written in a conversation, oldest first; a POST adds one message."""

    routes: ClassVar[dict[str, Route]] = {
        "messages": Route(Right(READ, "view"), gettext_lazy("The messages of a conversation"), MESSAGE, paged=True),
        "add_message": Route(
            Right(WRITE, "change"), gettext_lazy("Add a message to a conversation"), MESSAGE, WRITTEN, status=201
        ),
    }

    def messages(self, request: Request, id: int) -> Response:
        rows = Message.objects.filter(conversation=self.existing(id)).select_related("author")
        return Response(page(request, rows, Order("id"), documents))

    def add_message(self, request: Request, id: int) -> Response:
        conversation, body = self.existing(id), self.body(request, MessageBody)
        author = body.pop("author", None)
        written = Written(**{"at": self.now(), **body}, author=author_of(author) if author else None)
        with self.source(request):
            message, _new = write_down(conversation, written)
        return Response(document(message), status=201)


def author_of(username: str) -> int:
    """The id of a user. Raises DocumentError when there is none of that name."""
    found = get_user_model()._default_manager.filter(username=username).values_list("pk", flat=True).first()
    if found is None:
        message = _("There is no user “%(value)s”. Use the username of an existing user.")
        raise DocumentError([Problem("author", message % {"value": username}, username)])
    return found


def documents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [document(message) for message in messages]


def document(message: Message) -> dict[str, Any]:
    return {
        "id": message.pk, "direction": message.direction, "body": message.body, "at": message.at,
        "sender": message.sender, "author": message.author.get_username() if message.author else None,
        "automatic": message.automatic, "key": message.key,
    }  # fmt: skip
