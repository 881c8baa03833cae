"""Events: told one at a time or many at once, and which there are."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api import record_shapes as shapes
from records.api.authentication import Right, demand
from records.api.record_documents import LARGEST_ID, may_see
from records.api.schema import Document, Route, object_shape
from records.api.serializing import Body, Flag, Line, shown
from records.api.views import ApiView
from records.event_types import EventType, event_type, known_event_types
from records.ingesting import INVALID, RECORDED, REPEATED, Ingested, Sent, ingest
from records.models import Scope
from records.object_types import object_types
from records.problems import DocumentError, Problem

BATCH_LIMIT = 1_000
READ, WRITE = Scope.RECORDS_READ.value, Scope.RECORDS_WRITE.value
TEXT: Document = {"type": "string"}
COUNT: Document = {"type": "integer", "minimum": 0}
EVENT = object_shape(
    {
        "event": {"type": "string", "description": "The slug of an event type."},
        "object": {"type": "string", "description": "The slug of the record's object type."},
        "record": {
            "description": "The record's id, or an object with one unique property and its value.",
            "oneOf": [shapes.ID, {"type": "object", "minProperties": 1, "maxProperties": 1}],
        },
        "properties": {"type": "object", "additionalProperties": True},
        "occurred_at": {**shapes.INSTANT, "description": "When it happened; now where left out."},
        "id": {"type": "string", "maxLength": 255, "description": "Your id of the occurrence: it is recorded once."},
    },
    optional=("properties", "occurred_at", "id"),
    title="Event",
)
FAULT = object_shape({"path": TEXT, "message": TEXT})
RESULT = object_shape(
    {
        "status": {"type": "string", "enum": [RECORDED, REPEATED]},
        "id": {"type": ["integer", "null"], "description": "The event's own id; null for a repeated one."},
    },
    title="EventResult",
)
BATCH = object_shape(
    {
        "events": {
            "type": "array",
            "items": {k: v for k, v in EVENT.items() if k != "title"},
            "maxItems": BATCH_LIMIT,
        },
        "partial": {
            "type": "boolean",
            "default": False,
            "description": "Record the valid ones though others are not.",
        },
    },
    optional=("partial",),
    title="EventBatch",
)
BATCH_RESULT = object_shape(
    {
        **dict.fromkeys((RECORDED, REPEATED, INVALID), COUNT),
        "results": {
            "type": "array",
            "items": object_shape(
                {
                    "status": {"type": "string", "enum": [RECORDED, REPEATED, INVALID]},
                    "id": {"type": ["integer", "null"]},
                    "errors": {"type": "array", "items": FAULT},
                }
            ),
        },
    },
    title="EventBatchResult",
)
PROPERTY = object_shape(
    {
        "slug": TEXT, "label": TEXT, "type": TEXT, "required": {"type": "boolean"},
        "schema": {"type": "object", "additionalProperties": True, "description": "JSON schema of the value."},
    }
)  # fmt: skip
EVENT_TYPE = object_shape(
    {
        "slug": TEXT, "label": TEXT, "category": TEXT, "description": TEXT, "custom": {"type": "boolean"},
        "object_types": {"type": "array", "items": TEXT},
        "properties": {"type": "array", "items": PROPERTY},
    }
)  # fmt: skip


class EventBatch(Body):
    events = serializers.ListField()
    partial: Any = Flag(required=False)


class EventDocument(Body):
    """What is the same for every event; `record` and `properties` are read by hand."""

    event = Line(max_length=50)
    object = Line(max_length=50)
    record: Any = serializers.JSONField()
    properties: Any = serializers.JSONField(required=False)
    occurred_at = Line(required=False, allow_null=True)
    id = Line(required=False, allow_null=True, max_length=255)


class EventView(ApiView):
    """Who may change records of a type may tell what happened to them."""

    group = "events"
    routes: ClassVar[dict[str, Route]] = {
        "create": Route(
            Right(WRITE), gettext_lazy("Tell that something happened to a record"), RESULT, EVENT, status=201
        ),
        "batch": Route(Right(WRITE), gettext_lazy("Tell up to 1,000 events"), BATCH_RESULT, BATCH),
    }

    def create(self, request: Request) -> Response:
        sent = read_event(request.data)
        self.demand_rights(request, [sent])
        try:
            with self.source(request):
                done = ingest([sent], now=self.now())[0]
        except DocumentError as error:
            faults = [dataclasses.replace(fault, path=fault.path.removeprefix("0.")) for fault in error.problems]
            raise DocumentError(faults) from None
        return Response({"status": done.status, "id": done.id}, status=201)

    def batch(self, request: Request) -> Response:
        body = self.body(request, EventBatch)
        sent, faults = read_events(body["events"])
        partial = body.get("partial", False)
        if faults and not partial:
            raise DocumentError(problem.at(f"events.{place}") for place in sorted(faults) for problem in faults[place])
        self.demand_rights(request, list(sent.values()))
        try:
            with self.source(request):
                done = ingest(list(sent.values()), now=self.now(), partial=partial)
        except DocumentError as error:
            raise DocumentError(problem.at("events") for problem in error.problems) from None
        results = dict(zip(sent, done, strict=True))
        results |= {place: Ingested(INVALID, problems=tuple(found)) for place, found in faults.items()}
        counts = dict.fromkeys((RECORDED, REPEATED, INVALID), 0)
        for one in results.values():
            counts[one.status] += 1
        shown_results = [
            {"status": one.status, "id": one.id, "errors": [problem.as_json() for problem in one.problems]}
            for _place, one in sorted(results.items())
        ]
        return Response({**counts, "results": shown_results})

    def demand_rights(self, request: Request, sent: list[Sent]) -> None:
        for slug in sorted({one.object for one in sent} & set(object_types)):
            meta = object_types[slug].model._meta
            demand(request, Right(WRITE, f"{meta.app_label}.change_{meta.model_name}"))


class EventTypeView(ApiView):
    group = "event-types"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(READ),
            gettext_lazy("The event types with their properties; those of records one may see"),
            object_shape({"results": {"type": "array", "items": EVENT_TYPE}}, title="EventTypes"),
        ),
    }

    def list(self, request: Request) -> Response:
        seen = {slug for slug, kind in object_types.items() if may_see(request.user, kind)}
        found = (describe(kind, seen) for kind in known_event_types().values() if kind.ingested)
        return Response({"results": [one for one in found if one["object_types"]]})


def describe(kind: EventType, seen: set[str]) -> dict[str, Any]:
    return {
        "slug": kind.slug,
        "label": str(kind.label),
        "category": str(kind.category),
        "description": str(kind.description),
        "custom": kind.custom,
        "object_types": [slug for slug in object_types if kind.happens_to(slug) and slug in seen],
        "properties": [
            {
                "slug": prop.slug,
                "label": str(prop.label),
                "type": prop.type,
                "required": prop.required,
                "schema": shapes.schema_of(prop),
            }
            for prop in kind.properties
        ],
    }


def read_events(documents: list[Any]) -> tuple[dict[int, Sent], dict[int, list[Problem]]]:
    """What could be read and what is wrong with the others, by place. Raises DocumentError for too many or none."""
    if not 1 <= len(documents) <= BATCH_LIMIT:
        message = _("A batch has 1 to %(limit)d events; you sent %(count)d. Send them in parts.")
        raise DocumentError([Problem("events", message % {"limit": BATCH_LIMIT, "count": len(documents)})])
    sent: dict[int, Sent] = {}
    faults: dict[int, list[Problem]] = {}
    for place, document in enumerate(documents):
        try:
            sent[place] = read_event(document)
        except DocumentError as error:
            faults[place] = error.problems
    return sent, faults


def read_event(document: Any) -> Sent:
    """One event as it was sent. Raises DocumentError with the path and value of every fault."""
    body = EventDocument.read(document)
    faults: list[Problem] = []
    record, properties = body["record"], body.get("properties")
    if not is_id(record) and not (isinstance(record, dict) and len(record) == 1):
        message = _("%(value)s names no record. Send its id, or an object with one unique property.")
        faults.append(Problem("record", message % {"value": shown(record)}, record))
    if properties is not None and not isinstance(properties, dict):
        message = _("The properties of an event are a JSON object, not %(value)s.")
        faults.append(Problem("properties", message % {"value": shown(properties)}, properties))
    at = None
    if body.get("occurred_at") is not None:
        at = read_instant(body["occurred_at"])
        if at is None:
            message = _("“%(value)s” is no instant. Write it with its zone, like 2027-05-01T09:30:00Z.")
            faults.append(Problem("occurred_at", message % {"value": body["occurred_at"]}, body["occurred_at"]))
    kind = event_type(body["event"])
    if kind is not None and not kind.ingested:
        message = _("Headrace itself tells of “%(event)s”; it cannot be sent.")
        faults.append(Problem("event", message % {"event": body["event"]}, body["event"]))
    if faults:
        raise DocumentError(faults)
    return Sent(body["event"], body["object"], record, properties or {}, at, body.get("id"))


def is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < LARGEST_ID


def read_instant(text: str) -> Any:
    """An instant with a zone, of any year there is: `ingest` says which are too old; None for anything else."""
    try:
        found = parse_datetime(text)
        return found if found is not None and found.tzinfo is not None and found.timestamp() is not None else None
    except (ValueError, OverflowError):
        return None
