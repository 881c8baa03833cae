"""Enrollments: who is or was inside, and what happened to each."""

from __future__ import annotations

import html
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django.utils.html import strip_tags
from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.pages import Order, page
from records.api.record_documents import may_see
from records.api.schema import Route, query
from records.api.views import ApiView, whole_number
from records.models import Scope
from records.object_types import object_types
from workflows import history
from workflows.api import shapes
from workflows.api.workflow_views import narrowed
from workflows.models import Enrollment


class EnrollmentFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Enrollment.Status.choices)
    object = django_filters.ChoiceFilter(
        field_name="workflow__object_type", choices=lambda: [(slug, slug) for slug in object_types]
    )


PARAMETERS = (
    query("workflow", "A workflow's id.", int),
    query("record", "A record's id; of several object types unless “workflow” or “object” is given.", int),
    query("object", "The slug of an object type."),
    query("status", "How it stands.", str, enum=list(Enrollment.Status.values)),
)
RIGHT = Right(Scope.HISTORY_READ.value, "workflows.view_enrollment")


class EnrollmentView(ApiView):
    """Of object types whose records one may see."""

    group = "enrollments"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            RIGHT, gettext_lazy("Enrollments, newest first"), shapes.ENROLLMENT, parameters=PARAMETERS, paged=True
        ),
        "retrieve": Route(RIGHT, gettext_lazy("One enrollment with its history"), shapes.ENROLLMENT_DETAIL),
    }

    def visible(self, request: Request) -> QuerySet[Enrollment]:
        slugs = [slug for slug, object_type in object_types.items() if may_see(request.user, object_type)]
        return Enrollment.objects.filter(workflow__object_type__in=slugs).select_related("workflow", "revision")

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
        return Response(render(found) | {"history": [line(one) for one in history.path_of(found)]})


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
        "ended_because": history.ending(enrollment.ended_reason),
    }


def line(found: history.HistoryLine) -> dict[str, Any]:
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
