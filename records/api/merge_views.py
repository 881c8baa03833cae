"""Merging two records by the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api import record_shapes as shapes
from records.api.authentication import Right, demand
from records.api.record_views import WRITE, RecordView
from records.api.schema import Route, object_shape
from records.api.serializing import Body, Line, RecordId
from records.merging.choosing import SIDES
from records.merging.performing import merge

KEEP = {
    "type": "object",
    "additionalProperties": {"type": "string", "enum": list(SIDES)},
    "description": "Whose value is kept, by property. Without it the winner's, or the loser's where it has none.",
}
MERGE = object_shape({"loser": shapes.ID, "keep": KEEP}, optional=("keep",), title="Merge")


class Merging(Body):
    loser = RecordId()
    keep = serializers.DictField(child=Line(), required=False)


class MergeView(RecordView):
    """The record in the address is the one that stays."""

    routes: ClassVar[dict[str, Route]] = {
        "merge": Route(
            Right(WRITE, "change"), gettext_lazy("Merge another record into this one; there is no way back"),
            shapes.record, MERGE, problems=(410,),
        ),
    }  # fmt: skip

    def merge(self, request: Request, id: int) -> Response:
        # What both have is changed, and one is deleted.
        demand(request, Right(WRITE, self.permission("delete")))
        self.existing(id)
        body: dict[str, Any] = self.body(request, Merging)
        merge(self.object_type, id, body["loser"], now=self.now(), by=request.user, keep=body.get("keep"))
        return Response(self.shown(request, id))
