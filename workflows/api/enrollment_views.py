"""Enrollments: who is or was inside, and what happened to each."""

from __future__ import annotations

import html
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.problem_details import ApiProblem
from records.api.record_documents import may_see
from records.api.schema import Route, query
from records.api.serializing import Body, Line, Whole
from records.api.views import ApiView, whole_number
from records.models import Scope
from records.object_types import object_types
from workflows.api import shapes
from workflows.api.workflow_views import MAY_PUBLISH, PUBLISH, narrowed
from workflows.enrollment import reviving
from workflows.history import telling
from workflows.models import Enrollment
from workflows.rights.opening import openable
from workflows.rights.sensitive import closed_to_token


class EnrollmentFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Enrollment.Status.choices)
    step = django_filters.CharFilter()
    object = django_filters.ChoiceFilter(
        field_name="workflow__object_type", choices=lambda: [(slug, slug) for slug in object_types]
    )


PARAMETERS = (
    query("workflow", "A workflow's id.", int),
    query("record", "A record's id; of several object types unless “workflow” or “object” is given.", int),
    query("object", "The slug of an object type."),
    query("step", "The id of the step it stands on."),
    query("status", "How it stands.", str, enum=list(Enrollment.Status.values)),
)
RIGHT = Right(Scope.HISTORY_READ.value, "workflows.view_enrollment")


REVIVE = Right(PUBLISH, MAY_PUBLISH)


class Target(Body):
    """Where an enrollment goes on whose step is gone."""

    step = Line(required=False, max_length=64)


class Stopped(Body):
    """Which stopped enrollments: of one workflow; of it all, or those of a step, a reason, or with given ids.

    `target` is the step at which those go on whose step is gone.
    """

    workflow = Whole(min_value=1)
    step = Line(required=False, max_length=64)
    reason = Line(required=False, max_length=40)
    enrollments = serializers.ListField(child=Whole(min_value=1), required=False, max_length=1_000)
    target = Line(required=False, max_length=64)


class EnrollmentView(ApiView):
    """Of object types whose records one may see."""

    group = "enrollments"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            RIGHT, gettext_lazy("Enrollments, newest first"), shapes.ENROLLMENT, parameters=PARAMETERS, paged=True
        ),
        "retrieve": Route(RIGHT, gettext_lazy("One enrollment with its history"), shapes.ENROLLMENT_DETAIL),
        "retry": Route(
            REVIVE, gettext_lazy("Try a stopped enrollment's step again"), shapes.ENROLLMENT, Target, problems=(409,)
        ),
        "skip": Route(
            REVIVE, gettext_lazy("Take a stopped enrollment past its step"), shapes.ENROLLMENT, Target, problems=(409,)
        ),
        "retry_many": Route(
            REVIVE, gettext_lazy("Try the steps of stopped enrollments again"), shapes.REVIVED, Stopped
        ),
        "skip_many": Route(REVIVE, gettext_lazy("Take stopped enrollments past their steps"), shapes.REVIVED, Stopped),
    }

    def visible(self, request: Request) -> QuerySet[Enrollment]:
        slugs = [slug for slug, object_type in object_types.items() if may_see(request.user, object_type)]
        found = openable(Enrollment.objects.filter(workflow__object_type__in=slugs), request.user, "workflow")
        return found.exclude(workflow__in=closed_to_token(request.auth)).select_related("workflow", "revision")

    def list(self, request: Request) -> Response:
        rows = narrowed(EnrollmentFilter, request, self.visible(request).defer("revision__definition", "outputs"))
        for parameter, column in (("workflow", "workflow_id"), ("record", "record_id")):
            value = whole_number(request, parameter)
            rows = rows if value is None else rows.filter(**{column: value})
        return Response(
            page(request, rows, Order("-id", descending=True), lambda found: [render(one) for one in found])
        )

    def retrieve(self, request: Request, id: int) -> Response:
        found = self.visible(request).filter(pk=id).first()
        if found is None:
            raise Http404
        return Response(render(found) | {"history": [line(one) for one in telling.path_of(found, request.user)]})

    def retry(self, request: Request, id: int) -> Response:
        return self.revive_one(request, id, reviving.RETRY)

    def skip(self, request: Request, id: int) -> Response:
        return self.revive_one(request, id, reviving.SKIP)

    def revive_one(self, request: Request, id: int, verb: str) -> Response:
        body = Target.read(request.data or {})
        chosen = self.visible(request).filter(pk=id)
        if not chosen.exists():
            raise Http404
        done = reviving.revive(chosen, verb, by=request.user, now=self.now(), target=body.get("step"))
        if not done.count:
            raise ApiProblem("conflict", " ".join(map(str, refusals(done))) or _("The enrollment is not stopped."))
        return Response(render(chosen.get()))

    def retry_many(self, request: Request) -> Response:
        return self.revive_many(request, reviving.RETRY)

    def skip_many(self, request: Request) -> Response:
        return self.revive_many(request, reviving.SKIP)

    def revive_many(self, request: Request, verb: str) -> Response:
        body = self.body(request, Stopped)
        chosen = self.visible(request).filter(workflow_id=body["workflow"])
        if "enrollments" in body:
            chosen = chosen.filter(pk__in=body["enrollments"])
        for key, column in (("step", "step"), ("reason", "ended_reason")):
            chosen = chosen.filter(**{column: body[key]}) if key in body else chosen
        done = reviving.revive(chosen, verb, by=request.user, now=self.now(), target=body.get("target"))
        refused = [
            {"code": code, "count": count, "message": str(reviving.REFUSALS[code])}
            for code, count in done.refused.most_common()
        ]
        return Response({"revived": done.count, "refused": refused})


def refusals(done: reviving.Revival) -> list[str]:
    return [str(reviving.REFUSALS[code]) for code in done.refused]


def render(enrollment: Enrollment) -> dict[str, Any]:
    return {
        "id": enrollment.pk,
        "workflow": enrollment.workflow_id,
        "revision": enrollment.revision.number,
        "object": enrollment.workflow.object_type,
        "record": enrollment.record_id,
        "status": enrollment.status,
        "step": enrollment.step or None,
        "due_at": enrollment.due_at,
        "cause": enrollment.cause.get("kind", ""),
        "enrolled_at": enrollment.enrolled_at,
        "ended_at": enrollment.ended_at,
        "ended_reason": enrollment.ended_reason,
        "ended_because": telling.ending(enrollment.ended_reason, enrollment.cause),
    }


def line(found: telling.HistoryLine) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "at": found.at,
        "outcome": found.outcome,
        "step": found.step or None,
        "number": found.number,
        "label": found.label,
        "sentence": html.unescape(strip_tags(found.sentence)),
        "html": str(found.sentence),
    }
