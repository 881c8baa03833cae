"""Deliveries: what waits to leave, what was given up, and the three ways to deal with that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import Http404
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
from records.models import Access, Scope
from records.object_types import object_types
from workflows.api import shapes
from workflows.api.workflow_views import PUBLISH, narrowed
from workflows.models import Delivery, Enrollment
from workflows.outbox import resending
from workflows.rights.opening import not_of, of_known_workflows
from workflows.rights.sensitive import closed_to_token

RIGHT = Right(Scope.HISTORY_READ.value, "workflows.view_delivery")
REPAIR = Right(PUBLISH, resending.CHANGE)
VERBS: Mapping[str, Callable[..., int]] = {
    "retry": resending.send_again, "skip": resending.skip, "mark_sent": resending.mark_sent,
}  # fmt: skip
PARAMETERS = (
    query("workflow", "A workflow's id.", int),
    query("enrollment", "An enrollment's id.", int),
    query("kind", "What kind of delivery it is, such as mail."),
    query("state", "How it stands; “dead” was given up.", str, enum=list(Delivery.State.values)),
)


class DeliveryFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(choices=Delivery.State.choices)
    kind = django_filters.CharFilter()


class Chosen(Body):
    """Which deliveries: of a workflow, of a kind, in a state, or with given ids; at least one of them is given."""

    workflow = Whole(min_value=1, required=False)
    kind = Line(required=False, max_length=20)
    state = serializers.ChoiceField(choices=list(Delivery.State.values), required=False)
    deliveries = serializers.ListField(child=Whole(min_value=1), required=False, max_length=1_000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            message = _("This would be every delivery. Say which: send “workflow”, “kind”, “state” or “deliveries”.")
            raise serializers.ValidationError(message)
        return attrs


class DeliveryView(ApiView):
    """Of object types whose records one may see. What is sent is not shown: it is full of what records hold."""

    group = "deliveries"
    routes: ClassVar[dict[str, Route]] = {
        "list": Route(
            RIGHT, gettext_lazy("Deliveries, newest first"), shapes.DELIVERY, parameters=PARAMETERS, paged=True
        ),
        "retrieve": Route(RIGHT, gettext_lazy("One delivery"), shapes.DELIVERY),
        "retry": Route(REPAIR, gettext_lazy("Send a delivery again"), shapes.DELIVERY, problems=(409,)),
        "skip": Route(REPAIR, gettext_lazy("Do not send a delivery"), shapes.DELIVERY, problems=(409,)),
        "mark_sent": Route(REPAIR, gettext_lazy("Say that a delivery has arrived"), shapes.DELIVERY, problems=(409,)),
        "retry_many": Route(REPAIR, gettext_lazy("Send deliveries again"), shapes.SETTLED, Chosen),
        "skip_many": Route(REPAIR, gettext_lazy("Do not send deliveries"), shapes.SETTLED, Chosen),
        "mark_sent_many": Route(REPAIR, gettext_lazy("Say that deliveries have arrived"), shapes.SETTLED, Chosen),
    }

    def visible(self, request: Request) -> QuerySet[Delivery]:
        slugs = [slug for slug, object_type in object_types.items() if may_see(request.user, object_type)]
        behind = Enrollment.objects.filter(pk=OuterRef("enrollment_id"))
        own = Q(enrollment_id=None) | Exists(behind.filter(workflow__object_type__in=slugs))
        found = of_known_workflows(Delivery.objects.filter(own), request.user)
        found = not_of(closed_to_token(request.auth), found)
        return found.defer("request").annotate(workflow=Subquery(behind.values("workflow")))

    def list(self, request: Request) -> Response:
        rows = narrowed(DeliveryFilter, request, self.visible(request))
        for parameter, column in (("workflow", "workflow"), ("enrollment", "enrollment_id")):
            value = whole_number(request, parameter)
            rows = rows if value is None else rows.filter(**{column: value})
        return Response(
            page(request, rows, Order("-id", descending=True), lambda found: [render(one) for one in found])
        )

    def retrieve(self, request: Request, id: int) -> Response:
        found = self.visible(request).filter(pk=id).first()
        if found is None:
            raise Http404
        return Response(render(found))

    def retry(self, request: Request, id: int) -> Response:
        return self.settle_one(request, id, "retry")

    def skip(self, request: Request, id: int) -> Response:
        return self.settle_one(request, id, "skip")

    def mark_sent(self, request: Request, id: int) -> Response:
        return self.settle_one(request, id, "mark_sent")

    def settle_one(self, request: Request, id: int, verb: str) -> Response:
        found = self.visible(request).filter(pk=id).first()
        if found is None:
            raise Http404
        if not VERBS[verb](Delivery.objects.filter(pk=id), by=request.user, now=self.now()):
            changeable = of_known_workflows(Delivery.objects.filter(pk=id), request.user, Access.EDIT)
            if refused := resending.stopped(changeable).first():
                raise ApiProblem("conflict", refused.last_error)
            message = _("The delivery is “%(state)s”, so there is nothing to settle. Only stopped ones can be.")
            raise ApiProblem("conflict", message % {"state": found.get_state_display()})
        return self.retrieve(request, id)

    def retry_many(self, request: Request) -> Response:
        return self.settle_many(request, "retry")

    def skip_many(self, request: Request) -> Response:
        return self.settle_many(request, "skip")

    def mark_sent_many(self, request: Request) -> Response:
        return self.settle_many(request, "mark_sent")

    def settle_many(self, request: Request, verb: str) -> Response:
        body = self.body(request, Chosen)
        rows = self.visible(request)
        for key, column in (("workflow", "workflow"), ("kind", "kind"), ("state", "state")):
            rows = rows.filter(**{column: body[key]}) if key in body else rows
        if "deliveries" in body:
            rows = rows.filter(pk__in=body["deliveries"])
        chosen = Delivery.objects.filter(pk__in=rows.values("pk"))
        return Response({"settled": VERBS[verb](chosen, by=request.user, now=self.now())})


def render(delivery: Any) -> dict[str, Any]:
    return {
        "id": delivery.pk,
        "key": delivery.key,
        "kind": delivery.kind,
        "state": delivery.state,
        "workflow": delivery.workflow,
        "enrollment": delivery.enrollment_id,
        "attempts": delivery.attempts,
        "last_error": delivery.last_error,
        "due_at": delivery.due_at,
        "created_at": delivery.created_at,
        "done_at": delivery.done_at,
    }
