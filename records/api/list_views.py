"""Lists of records: what they are, and who is in them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right, demand
from records.api.pages import Order, page
from records.api.problem_details import ApiProblem
from records.api.record_shapes import ID, INSTANT
from records.api.schema import Document, Route, object_shape, query
from records.api.serializing import Body, Line, RecordId
from records.api.views import ApiView, one_of
from records.criteria import compile
from records.lists import keeping, members
from records.models import Membership, RecordList, Scope
from records.models.list import SLUG
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.seeing import closed_lists, hidden_in, may_see
from records.time_zones import time_zones

BATCH_LIMIT = 1_000
READ, WRITE = Scope.RECORDS_READ.value, Scope.RECORDS_WRITE.value
TEXT: Document = {"type": "string"}
CRITERIA: Document = {
    "type": ["object", "null"], "additionalProperties": True, "description": "Like a filter trigger's; null: static.",
}  # fmt: skip
FACTS: Document = {
    "slug": {"type": "string", "description": "Its internal name, by which criteria name it; never changes."},
    "name": TEXT,
    "description": TEXT,
    "object": {"type": "string", "description": "The object type of its members."},
    "kind": {"type": "string", "enum": list(RecordList.Kind.values)},
    "criteria": CRITERIA,
    "time_zone": {"type": "string", "description": "In which days of the criteria begin."},
}
LIST = object_shape(
    {"id": ID, **FACTS, "members": {"type": "integer"}, "created_at": INSTANT, "updated_at": INSTANT}, title="List"
)
NEW_LIST = object_shape(
    FACTS, optional=("slug", "description", "kind", "criteria", "time_zone"), title="NewList"
)  # fmt: skip
CHANGED_LIST = object_shape(
    {key: FACTS[key] for key in ("name", "description", "kind", "criteria", "time_zone")},
    optional=("name", "description", "kind", "criteria", "time_zone"),
    title="ChangedList",
)
MEMBER = object_shape({"id": ID, "since": INSTANT}, title="ListMember")
IDS: Document = {"type": "array", "items": ID, "maxItems": BATCH_LIMIT}
MOVES = object_shape({"add": IDS, "remove": IDS}, optional=("add", "remove"), title="ListMoves")
MOVED = object_shape(
    {"added": {"type": "integer"}, "removed": {"type": "integer"}, "missing": {"type": "array", "items": ID}},
    title="ListMoved",
)
ZONE = gettext_lazy("There is no such time zone. Use a name like Europe/Stockholm.")
OBJECT = query("object", "Only lists of this object type.")
KIND = query("kind", "Only static or active ones.")


class ListBody(Body):
    name = Line(required=False, max_length=120)
    description = Line(required=False, allow_blank=True, trim_whitespace=False)
    kind = serializers.ChoiceField(required=False, choices=RecordList.Kind.values)
    criteria = serializers.JSONField(required=False, allow_null=True)
    time_zone = serializers.ChoiceField(
        required=False, choices=sorted(time_zones()), error_messages={"invalid_choice": ZONE}
    )


class NewBody(ListBody):
    object: Any = Line()
    name = Line(max_length=120)
    slug = Line(required=False, validators=[SLUG])


class MovesBody(Body):
    add = serializers.ListField(child=RecordId(), required=False, max_length=BATCH_LIMIT)
    remove = serializers.ListField(child=RecordId(), required=False, max_length=BATCH_LIMIT)


class ListView(ApiView):
    """Lists of the object types whose records one may see, but those that look at what one has no access to."""

    group = "lists"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(READ, "records.view_recordlist"), gettext_lazy("Lists, a page at a time"), LIST,
            parameters=(OBJECT, KIND), paged=True,
        ),
        "create": Route(
            Right(WRITE, "records.add_recordlist"),
            gettext_lazy("Create a list: active with criteria, static without"), LIST, NEW_LIST, status=201,
        ),
        "retrieve": Route(Right(READ, "records.view_recordlist"), gettext_lazy("One list"), LIST),
        "partial_update": Route(
            Right(WRITE, "records.change_recordlist"),
            gettext_lazy("Change a list; “kind”: “static” converts an active one for good"), LIST, CHANGED_LIST,
        ),
        "destroy": Route(
            Right(WRITE, "records.delete_recordlist"),
            gettext_lazy("Delete a list that nothing uses; its records stay"), status=204,
        ),
        "members": Route(
            Right(READ, "records.view_recordlist"), gettext_lazy("The members of a list, by id"), MEMBER, paged=True,
        ),
        "move": Route(
            Right(WRITE, "records.change_recordlist"),
            gettext_lazy("Add up to 1,000 records to a static list and remove up to 1,000"), MOVED, MOVES,
        ),
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        visible = [slug for slug, kind in object_types.items() if may_see(request.user, kind)]
        slug, kind = one_of(request, "object", object_types), one_of(request, "kind", RecordList.Kind.values)
        rows = RecordList.objects.filter(object_type__in=[one for one in visible if slug in (None, one)])
        rows = rows.filter(kind=kind) if kind else rows
        rows = rows.exclude(slug__in=closed_lists(request.user))
        return Response(page(request, rows.select_related("segment"), Order("id"), documents))

    def create(self, request: Request) -> Response:
        body = self.body(request, NewBody)
        kind = object_types.get(body["object"])
        if kind is None:
            message = _("There is no object type %(value)r. Use one of: %(known)s.")
            facts = {"value": body["object"], "known": ", ".join(object_types)}
            raise DocumentError([Problem("object", message % facts, body["object"])])
        self.demand_type(request, kind)
        criteria = body.get("criteria")
        self.refuse_contradiction(body, criteria is not None)
        zone = body.get("time_zone", "UTC")
        self.demand_criteria(request, kind, criteria, zone)
        made = keeping.create(
            kind, body["name"], now=self.now(), criteria=criteria, slug=body.get("slug", ""),
            description=body.get("description", ""), zone=zone, by=request.user,
        )  # fmt: skip
        place = request.build_absolute_uri(f"{request.path}{made.pk}/")
        return Response(documents([made])[0], status=201, headers={"Location": place})

    def retrieve(self, request: Request, id: int) -> Response:
        return Response(documents([self.existing(request, id)])[0])

    def partial_update(self, request: Request, id: int) -> Response:
        found = self.existing(request, id)
        body = self.body(request, ListBody)
        static = body.get("kind") == RecordList.Kind.STATIC and found.is_active
        criteria = body.get("criteria")
        if criteria is None and "time_zone" in body and found.is_active:
            criteria = found.segment.criteria
        self.refuse_contradiction({} if static else body, found.is_active)
        self.demand_criteria(request, object_types[found.object_type], criteria, body.get("time_zone", "UTC"))
        with self.source(request):
            found = keeping.change(
                found, now=self.now(), name=body.get("name"), description=body.get("description"), criteria=criteria,
                zone=body.get("time_zone"),
            )  # fmt: skip
            found = keeping.convert(found) if static else found
        return Response(documents([found])[0])

    def destroy(self, request: Request, id: int) -> Response:
        keeping.delete(self.existing(request, id), request.user)
        return Response(status=204)

    def members(self, request: Request, id: int) -> Response:
        found = self.existing(request, id)
        order = Order("record", "record_id", write=lambda value: value, read=int)
        return Response(page(request, members.members_of(found), order, member_documents))

    def move(self, request: Request, id: int) -> Response:
        found = self.existing(request, id)
        body = self.body(request, MovesBody)
        now = self.now()
        with self.source(request):
            added = members.add(found, body.get("add", ()), now=now)
            removed = members.remove(found, body.get("remove", ()), now=now)
        return Response({"added": len(added.ids), "removed": len(removed.ids), "missing": added.missing})

    def existing(self, request: Request, list_id: int) -> RecordList:
        """The list; 404 when there is none, 403 when one may not see such records."""
        found = RecordList.objects.select_related("segment").filter(pk=list_id).first()
        if found is None or found.object_type not in object_types:
            raise Http404
        if found.slug in closed_lists(request.user):
            raise Http404
        self.demand_type(request, object_types[found.object_type])
        return found

    def demand_type(self, request: Request, kind: ObjectType) -> None:
        meta = kind.model._meta
        demand(request, Right(self.right().scope, f"{meta.app_label}.view_{meta.model_name}"))

    def demand_criteria(self, request: Request, kind: ObjectType, criteria: Any, zone: str) -> None:
        """Criteria tell of what they look at: only of what one may see."""
        if criteria is None:
            return
        try:
            compiled = compile(criteria, kind, now=self.now(), zone=zone)
        except DocumentError as error:
            raise DocumentError([problem.at("criteria") for problem in error.problems]) from None
        if hidden := hidden_in(request.user, compiled):
            detail = _("The criteria look at %(what)s, which you may not see.")
            raise ApiProblem("forbidden", detail % {"what": hidden})

    def refuse_contradiction(self, body: dict[str, Any], active: bool) -> None:
        """An active list is one with criteria; nothing makes a static one active."""
        kind = body.get("kind")
        if kind not in (None, RecordList.Kind.ACTIVE if active else RecordList.Kind.STATIC):
            message = _("A list is active when it has criteria, and static when it has none; not %(value)r here.")
            raise DocumentError([Problem("kind", message % {"value": kind}, kind)])


def documents(rows: list[RecordList]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.pk,
            "slug": one.slug,
            "name": one.name,
            "description": one.description,
            "object": one.object_type,
            "kind": one.kind,
            "criteria": one.segment.criteria,
            "time_zone": one.segment.time_zone,
            "members": members.members_of(one).count(),
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }
        for one in rows
    ]


def member_documents(rows: list[Membership]) -> list[dict[str, Any]]:
    return [{"id": one.record_id, "since": one.since} for one in rows]
