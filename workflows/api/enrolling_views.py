"""Records in and out of a workflow by hand, and why one would or would not get in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.problem_details import ApiProblem
from records.api.schema import Route, query
from records.api.serializing import Body, RecordId
from records.api.views import whole_number
from records.criteria import compile
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.seeing import hidden_in, may_see
from workflows import doorbell
from workflows.api import shapes
from workflows.api.explanations import EXPLANATION, render
from workflows.api.workflow_views import MAY_PUBLISH, PUBLISH, READ, VIEW, WorkflowsView
from workflows.enrollment import enrolling_many
from workflows.enrollment.enrolling import REFUSALS, enroll
from workflows.enrollment.taking_out import take_out
from workflows.history import explaining
from workflows.history.explanation import Explanation
from workflows.lifecycle import cataloguing
from workflows.models import Enrollment, MassEnrollment, Workflow
from workflows.rights.opening import refuse_change

RECORD_LIMIT = 1_000
MASS_SHOWN = 20


class Records(Body):
    records = serializers.ListField(child=RecordId(), min_length=1, max_length=RECORD_LIMIT)


class Matching(Body):
    criteria = serializers.JSONField()


class EnrollingView(WorkflowsView):
    routes: ClassVar[dict[str, Route]] = {
        "enroll": Route(
            Right(PUBLISH, MAY_PUBLISH), gettext_lazy("Enroll up to 1,000 records by hand"), shapes.ENROLLED, Records,
        ),
        "enroll_matching": Route(
            Right(PUBLISH, MAY_PUBLISH), gettext_lazy("Enroll all records that meet criteria, in the background"),
            shapes.MASS, Matching, status=202,
        ),
        "enrolling": Route(
            Right(PUBLISH, MAY_PUBLISH), gettext_lazy("How far enrollments of many records are, newest first"),
            shapes.many(shapes.MASS),
        ),
        "unenroll": Route(
            Right(PUBLISH, MAY_PUBLISH), gettext_lazy("Take up to 1,000 records out"), shapes.UNENROLLED, Records,
        ),
        "explain": Route(
            Right(READ, VIEW), gettext_lazy("Why a record would, or would not, enroll"), EXPLANATION,
            parameters=(
                query("record", "The record's id.", int, required=True),
                query("object", "The slug of the record's object type, where it may be another than the workflow's."),
            ),
        ),
    }  # fmt: skip

    def enroll(self, request: Request, id: int) -> Response:
        workflow, ids = self.workflow(id), self.body(request, Records)["records"]
        self.see_records(request, workflow)
        refuse_change(workflow, request.user)
        cause = {"kind": "manual", "actor": request.user.pk}
        with self.source(request):
            done = enroll(workflow, ids, cause=cause, now=self.now(), manual=True)
        transaction.on_commit(doorbell.ring)
        refused = [
            {"record": pk, "code": code, "message": str(REFUSALS.get(code, code))} for pk, code in done.refused.items()
        ]
        return Response({"enrolled": done.enrolled, "refused": refused})

    def enroll_matching(self, request: Request, id: int) -> Response:
        workflow, document = self.workflow(id), self.body(request, Matching)["criteria"]
        kind, now = self.see_records(request, workflow), self.now()
        try:
            compiled = compile(document, kind, now=now)
            if hidden := hidden_in(request.user, compiled):
                detail = _("The criteria look at %(what)s, which you may not see.")
                raise ApiProblem("forbidden", detail % {"what": hidden})
            work = enrolling_many.begin(workflow, by=request.user, now=now, document=document)
        except DocumentError as error:
            raise DocumentError([problem.at("criteria") for problem in error.problems]) from error
        return Response(progress(work), status=202)

    def enrolling(self, request: Request, id: int) -> Response:
        workflow = self.workflow(id)
        self.see_records(request, workflow)
        return Response([progress(work) for work in MassEnrollment.objects.filter(workflow=workflow)[:MASS_SHOWN]])

    def unenroll(self, request: Request, id: int) -> Response:
        workflow, ids = self.workflow(id), self.body(request, Records)["records"]
        self.see_records(request, workflow)
        refuse_change(workflow, request.user)
        inside = Enrollment.objects.filter(workflow=workflow, record_id__in=ids)
        return Response({"unenrolled": take_out(inside, by=request.user, now=self.now())})

    def explain(self, request: Request, id: int) -> Response:
        workflow, record_id = self.workflow(id), whole_number(request, "record")
        object_type = self.see_records(request, workflow)
        if record_id is None:
            message = _("Say which record: ?record=42.")
            raise DocumentError([Problem("record", message)])
        if other := self.other_type(request, workflow):
            return Response(render(other))
        # One that was deleted or merged is told of; nothing is told of one that never was.
        if not object_type.model._default_manager.filter(pk=record_id).exists():
            raise Http404
        return Response(render(explaining.explain(workflow, record_id, now=self.now(), user=request.user)))

    def other_type(self, request: Request, workflow: Workflow) -> Explanation | None:
        """The answer to `?object=` of a type the workflow is not for."""
        asked = request.query_params.get("object", workflow.object_type)
        if asked not in object_types:
            raise DocumentError([cataloguing.unknown_object_type(asked)])
        return explaining.of_other_type(workflow, asked)

    def see_records(self, request: Request, workflow: Workflow) -> ObjectType:
        """The workflow's object type; 403 for whoever may not see its records."""
        object_type = object_types[workflow.object_type]
        if not may_see(request.user, object_type):
            detail = _("You may not see records of the type “%(type)s”. An administrator can permit it.")
            raise ApiProblem("forbidden", detail % {"type": object_type.slug})
        return object_type


def progress(work: MassEnrollment) -> dict[str, Any]:
    """How far an enrollment of many is, as clients see it."""
    refused = [
        {"code": code, "count": count, "message": str(REFUSALS.get(code, code))}
        for code, count in sorted(work.refused.items())
    ]
    facts = {name: getattr(work, name) for name in ("status", "total", "asked", "enrolled", "message")}
    return {"id": work.pk, **facts, "refused": refused}
