"""The associations of one record: all of them by pages, one more, one less."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api import record_shapes as shapes
from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.record_documents import faults_of_link, may_see
from records.api.record_views import READ, WRITE, ObjectView
from records.api.schema import Route, query
from records.api.views import one_of, whole_number
from records.associations import dissociate
from records.models import Association
from records.object_types import object_types
from records.problems import DocumentError, Problem
from records.saving import Row, save_batch

TYPE = query("type", "The other records' object type.")
ID = query("id", "The other record's id.", int)
LABEL = query("label", "The association's label; the plain link without it.")


class AssociationView(ObjectView):
    """Lists rows of `Association`: what an object type declares as foreign keys is among its record's own."""

    routes: ClassVar[dict[str, Route]] = {
        "associations": Route(
            Right(READ, "view"), gettext_lazy("The associations of a record"), shapes.ASSOCIATION,
            parameters=(TYPE,), paged=True, problems=(410,),
        ),
        "associate": Route(
            Right(WRITE, "change"), gettext_lazy("Associate a record with another"), shapes.ASSOCIATION,
            shapes.ASSOCIATION, status=201, problems=(410,),
        ),
        "dissociate": Route(
            Right(WRITE, "change"), gettext_lazy("Remove an association"), status=204,
            parameters=(TYPE, ID, LABEL), problems=(410,),
        ),
    }  # fmt: skip

    def associations(self, request: Request, id: int) -> Response:
        self.existing(id)
        slug = one_of(request, "type", object_types)
        visible = [one for one in ([slug] if slug else object_types) if may_see(request.user, object_types[one])]
        rows = Association.objects.filter(from_type=self.object_type.slug, from_id=id, to_type__in=visible)
        return Response(page(request, rows, Order("id"), as_documents))

    def associate(self, request: Request, id: int) -> Response:
        self.existing(id)
        faults = faults_of_link(request.data)
        if faults:
            raise DocumentError(faults)
        sent: Any = request.data
        row = Row(id=id, associations=[sent])
        self.demand_links(request, [row])
        try:
            save_batch(self.object_type, [row], actor=request.user, source="api")
        except DocumentError as error:
            raise DocumentError([in_link(problem) for problem in error.problems]) from None
        return Response({"label": "", **sent}, status=201)

    def dissociate(self, request: Request, id: int) -> Response:
        self.existing(id)
        slug, to_id = one_of(request, "type", object_types), whole_number(request, "id")
        message = _("Say which association to remove: ?type=company&id=42, and &label=… when it has one.")
        missing = [Problem(name, message) for name, value in (("type", slug), ("id", to_id)) if value is None]
        if missing or slug is None or to_id is None:
            raise DocumentError(missing)
        label = request.query_params.get("label", "")
        with self.source(request):
            removed = dissociate(self.object_type, object_types[slug], [(id, to_id)], label)
        if not removed:
            facts = {"type": slug, "id": to_id, "label": label}
            message = _("There is no association with %(type)s %(id)d labelled “%(label)s”. See the record's list.")
            raise DocumentError([Problem("id", message % facts, to_id)])
        return Response(status=204)


def as_documents(rows: list[Association]) -> list[dict[str, Any]]:
    """Links to records deleted meanwhile are left out, as everywhere."""
    alive: dict[str, set[int]] = {}
    for slug in {row.to_type for row in rows}:
        ids = [row.to_id for row in rows if row.to_type == slug]
        alive[slug] = set(object_types[slug].records().filter(pk__in=ids).values_list("pk", flat=True))
    return [
        {"type": row.to_type, "id": row.to_id, "label": row.label} for row in rows if row.to_id in alive[row.to_type]
    ]


def in_link(problem: Problem) -> Problem:
    """The problem as seen from the association, which the client sent alone."""
    path = problem.path.removeprefix("0.").removeprefix("associations.0").lstrip(".")
    return Problem(path, problem.message, problem.value, problem.severity, problem.code)
