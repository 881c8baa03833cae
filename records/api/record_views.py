"""One set of routes for every object type: list, read, create, change, delete, batch."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api import record_shapes as shapes
from records.api.authentication import Right, demand
from records.api.pages import page
from records.api.problem_details import ApiProblem
from records.api.record_documents import read_row, render
from records.api.record_queries import chosen, filtered, ordered, with_calculated
from records.api.schema import Route, query
from records.api.serializing import Body, Flag, Line
from records.api.views import ApiView
from records.ids import id_of
from records.merging.remembering import gone_into, merged_into
from records.models import Scope
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.properties import Property
from records.property_access import rights_of
from records.saving import Row, delete_records, save_batch

BATCH_LIMIT = 1_000
READ, WRITE = Scope.RECORDS_READ.value, Scope.RECORDS_WRITE.value
PROPERTIES = query("properties", "Only these properties, separated by commas; number_of_… only when named here.")
FILTER = query("filter", "Criteria as JSON, like a filter trigger's: {“all”: [{“property”, “operator”, “value”}]}.")
ORDERING = query("ordering", "A property to order by, with - before it for descending; id without it.")


class Batch(Body):
    records = serializers.ListField()
    upsert_by = Line(required=False, allow_null=True)
    partial: Any = Flag(required=False)


class ObjectView(ApiView):
    """Routes about records of one object type; a route's permission is the verb on that type's model."""

    #: Given to `as_view`, which takes only what the class has.
    object_type: Any = None

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.group = self.object_type.plural

    def right(self) -> Right:
        declared = super().right()
        return dataclasses.replace(declared, permission=self.permission(declared.permission))

    def permission(self, verb: str, object_type: ObjectType | None = None) -> str:
        meta = (object_type or self.object_type).model._meta
        return f"{meta.app_label}.{verb}_{meta.model_name}"

    def existing(self, record_id: int) -> Any:
        """The record; 404 when there is none (any more), 410 with the address of what it was merged into."""
        found = self.object_type.records().filter(pk=record_id).first()
        if found is None:
            self.refuse_merged(record_id)
            raise Http404
        return found

    def refuse_merged(self, record_id: int) -> None:
        winner = merged_into(self.object_type, [record_id]).get(record_id)
        if winner is not None:
            place = self.request.build_absolute_uri(reverse(f"api-{self.object_type.plural}-one", args=[winner]))
            detail = gone_into(self.object_type, record_id, winner)
            raise ApiProblem("merged", detail, headers={"Location": place}, merged_into=winner)

    def demand_links(self, request: Request, rows: list[Row]) -> None:
        """Whoever links records must be allowed to see both."""
        for slug in sorted({link["type"] for row in rows for link in row.associations}):
            demand(request, Right(WRITE, self.permission("view", object_types[slug])))


class RecordView(ObjectView):
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            Right(READ, "view"), gettext_lazy("Records, a page at a time"), shapes.record,
            parameters=(FILTER, ORDERING, PROPERTIES), paged=True,
        ),
        "create": Route(
            Right(WRITE, "add"), gettext_lazy("Create a record"), shapes.record, shapes.row, status=201,
        ),
        "retrieve": Route(
            Right(READ, "view"), gettext_lazy("One record"), shapes.record, parameters=(PROPERTIES,), problems=(410,),
        ),
        "partial_update": Route(
            Right(WRITE, "change"), gettext_lazy("Change properties and add associations of a record"), shapes.record,
            shapes.row, problems=(410,),
        ),
        "destroy": Route(
            Right(WRITE, "delete"), gettext_lazy("Delete a record; it can be restored for some time"), status=204,
            problems=(410,),
        ),
        "batch": Route(
            Right(WRITE, "add"), gettext_lazy("Create, change or upsert up to 1,000 records"), shapes.batch_result,
            shapes.batch,
        ),
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        known = self.seen_properties(request)
        properties = chosen(request, known)
        rows = with_calculated(filtered(request, self.object_type, self.now()), properties)
        rows, order = ordered(request, rows, known)
        found = page(request, rows, order, lambda records: render(self.object_type, records, properties, request.user))
        return Response(found)

    def create(self, request: Request) -> Response:
        row = read_row(request.data)
        self.demand_links(request, [row])
        record_id = self.save_one(request, row)
        place = request.build_absolute_uri(f"{request.path}{record_id}/")
        return Response(self.shown(request, record_id), status=201, headers={"Location": place})

    def retrieve(self, request: Request, id: int) -> Response:
        return Response(self.shown(request, id))

    def partial_update(self, request: Request, id: int) -> Response:
        self.existing(id)
        row = read_row(request.data, record_id=id)
        self.demand_links(request, [row])
        self.save_one(request, row)
        return Response(self.shown(request, id))

    def destroy(self, request: Request, id: int) -> Response:
        self.existing(id)
        delete_records(self.object_type, [id], actor=request.user, source="api")
        return Response(status=204)

    def batch(self, request: Request) -> Response:
        demand(request, Right(WRITE, self.permission("change")))
        body = self.body(request, Batch)
        rows = read_rows(body["records"])
        self.demand_links(request, rows)
        try:
            saved = save_batch(
                self.object_type, rows, upsert_by=body.get("upsert_by"), partial=body.get("partial", False),
                actor=request.user, source="api",
            )  # fmt: skip
        except DocumentError as error:
            raise DocumentError([in_batch(problem) for problem in error.problems]) from None
        counts = dict.fromkeys(("created", "updated", "unchanged", "invalid"), 0)
        for one in saved:
            counts[one.status] += 1
        results = [
            {"status": one.status, "id": one.id, "errors": [p.as_json() for p in one.problems]} for one in saved
        ]
        return Response({**counts, "results": results})

    def shown(self, request: Request, record_id: int) -> dict[str, Any]:
        """The record as it is in the database now."""
        properties = chosen(request, self.seen_properties(request))
        found = with_calculated(self.object_type.records(), properties).filter(pk=record_id).first()
        if found is None:
            self.refuse_merged(record_id)
            raise Http404
        return render(self.object_type, [found], properties, request.user)[0]

    def seen_properties(self, request: Request) -> dict[str, Property]:
        """The properties the token's owner may see: the others are not there for them (PRM-09)."""
        return rights_of(request.user).seen(self.object_type, self.object_type.properties())

    def save_one(self, request: Request, row: Row) -> int:
        """The saved record's id; DocumentError with paths as in the document sent."""
        try:
            (saved,) = save_batch(self.object_type, [row], actor=request.user, source="api")
        except DocumentError as error:
            faults = [dataclasses.replace(fault, path=fault.path.removeprefix("0.")) for fault in error.problems]
            raise DocumentError(faults) from None
        assert saved.id is not None, "what is not saved raises"
        return saved.id


def read_rows(documents: list[Any]) -> list[Row]:
    if not 1 <= len(documents) <= BATCH_LIMIT:
        message = _("A batch has 1 to %(limit)d records; you sent %(count)d. Send them in parts.")
        raise DocumentError([Problem("records", message % {"limit": BATCH_LIMIT, "count": len(documents)})])
    faults: list[Problem] = []
    rows: list[Row] = []
    for index, document in enumerate(documents):
        try:
            rows.append(read_row(document, f"records.{index}", with_id=True))
        except DocumentError as error:
            faults += error.problems
    if faults:
        raise DocumentError(faults)
    return rows


def in_batch(problem: Problem) -> Problem:
    """Rows are known to the client by their place in “records”; upsert_by is a key of its own."""
    return problem.at("records") if id_of(problem.path.partition(".")[0]) is not None else problem
