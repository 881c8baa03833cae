"""Moving records that are inside a workflow to another of its steps."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.problem_details import ApiProblem
from records.api.schema import Route
from records.api.serializing import Body, Flag, Line, Whole
from records.problems import DocumentError, Problem
from workflows.api import shapes
from workflows.api.enrolling_views import MASS_SHOWN, EnrollingView
from workflows.api.enrollment_views import REVIVE, EnrollmentView, render
from workflows.enrollment import moving_by_hand, moving_many
from workflows.enrollment.moving_outlook import REFUSALS, Outlook, Place, look
from workflows.models import Enrollment, MassMove, Workflow


class Move(Body):
    """`step` is where to; with `from` only who stands on that step is moved."""

    step = Line(max_length=64)

    def get_fields(self) -> dict[str, Any]:
        # “from” is no name a class can have.
        return {**super().get_fields(), "from": Line(required=False, max_length=64)}


class MoveSome(Move):
    """Enrollments of one workflow, by id. With `preview` nothing is moved, and the answer says what would be."""

    workflow = Whole(min_value=1)
    enrollments = serializers.ListField(child=Whole(min_value=1), min_length=1, max_length=moving_by_hand.LIMIT)
    preview = Flag(required=False, default=False)


class MovingView(EnrollmentView):
    """Of object types whose records one may see, and by who may publish."""

    routes: ClassVar[dict[str, Route]] = {
        "move": Route(
            REVIVE, gettext_lazy("Move an enrollment to another step of its revision"), shapes.ENROLLMENT, Move,
            problems=(409,),
        ),
        "move_many": Route(
            REVIVE, gettext_lazy("Move up to 1,000 enrollments of a workflow to another step"), shapes.MOVED, MoveSome,
        ),
    }  # fmt: skip

    def move(self, request: Request, id: int) -> Response:
        body = self.body(request, Move)
        chosen = self.visible(request).filter(pk=id)
        found = chosen.first()
        if found is None:
            raise Http404
        before = look_at(found.workflow, chosen, body)
        done = self.perform(request, found.workflow, [id], body, before)
        if not done.count:
            raise ApiProblem("conflict", " ".join(str(REFUSALS[code]) for code in done.refused))
        return Response(render(chosen.get()))

    def move_many(self, request: Request) -> Response:
        body = self.body(request, MoveSome)
        chosen = self.visible(request).filter(workflow_id=body["workflow"], pk__in=body["enrollments"])
        workflow = Workflow.objects.filter(pk=body["workflow"]).first()
        if workflow is None or not chosen.exists():
            raise DocumentError([Problem("enrollments", _("The workflow has none of these enrollments."))])
        before = look_at(workflow, chosen, body)
        if body["preview"]:
            moving_by_hand.refuse(workflow, request.user)
            return Response(told(before.count, before.deliveries, came_from(before), before.refused))
        ids = list(chosen.values_list("pk", flat=True))
        done = self.perform(request, workflow, ids, body, before)
        return Response(told(done.count, done.cancelled, numbered(done.came_from, before), done.refused))

    def perform(
        self, request: Request, workflow: Workflow, ids: list[int], body: dict[str, Any], before: Outlook
    ) -> moving_by_hand.Moved:
        places = standing_on(before, body) if "from" in body else None
        return moving_by_hand.move(workflow, ids, body["step"], by=request.user, now=self.now(), places=places)


class MovingManyView(EnrollingView):
    routes: ClassVar[dict[str, Route]] = {
        "move_matching": Route(
            REVIVE, gettext_lazy("Move everybody who stands on a step to another one, in the background"),
            shapes.MASS_MOVE, Move, status=202,
        ),
        "moving": Route(
            REVIVE, gettext_lazy("How far moves of many records are, newest first"), shapes.many(shapes.MASS_MOVE),
        ),
    }  # fmt: skip

    def move_matching(self, request: Request, id: int) -> Response:
        workflow, body = self.workflow(id), self.body(request, Move)
        self.see_records(request, workflow)
        inside = Enrollment.objects.filter(workflow=workflow, status=Enrollment.Status.ACTIVE)
        if "from" in body:
            inside = inside.filter(step=body["from"])
        before = look_at(workflow, inside, body)
        moving_by_hand.refuse(workflow, request.user)
        if not before.count:
            why = " ".join(str(REFUSALS[code]) for code in before.refused) or _("Nobody stands there.")
            raise DocumentError([Problem("from", why, body.get("from"))])
        work = moving_many.begin(workflow, inside, body["step"], by=request.user, now=self.now(), places=before.places)
        return Response(progress(work), status=202)

    def moving(self, request: Request, id: int) -> Response:
        workflow = self.workflow(id)
        self.see_records(request, workflow)
        found = MassMove.objects.filter(workflow=workflow).defer("enrollment_ids")[:MASS_SHOWN]
        return Response([progress(work) for work in found])


def look_at(workflow: Workflow, chosen: QuerySet[Enrollment], body: dict[str, Any]) -> Outlook:
    """What moving them would do. Raises DocumentError for a step none of their revisions has."""
    found = look(workflow, chosen, body["step"])
    known = {step for definition in found.definitions.values() if definition for step in definition.by_id}
    if found.groups and body["step"] not in known:
        message = _("The revisions they run in have no step “%(value)s”. Choose one of their steps.")
        raise DocumentError([Problem("step", message % {"value": body["step"]}, body["step"])])
    return found


def standing_on(before: Outlook, body: dict[str, Any]) -> list[Place]:
    return [group.place for group in before.groups if group.step == body["from"]]


def came_from(before: Outlook) -> list[dict[str, Any]]:
    return numbered({group.place: group.count for group in before.moving}, before)


def numbered(counted: dict[Place, int], before: Outlook) -> list[dict[str, Any]]:
    return [
        {"revision": before.numbers.get(revision, 0), "step": step, "count": count}
        for (revision, step), count in sorted(counted.items())
    ]


def told(count: int, cancelled: int, sources: list[dict[str, Any]], refused: dict[str, int]) -> dict[str, Any]:
    return {"moved": count, "cancelled": cancelled, "from": sources, "refused": refusals(refused)}


def refusals(refused: dict[str, int]) -> list[dict[str, Any]]:
    return [{"code": code, "count": count, "message": str(REFUSALS[code])} for code, count in sorted(refused.items())]


def progress(work: MassMove) -> dict[str, Any]:
    """How far a move of many is, as clients see it."""
    facts = {name: getattr(work, name) for name in ("status", "total", "asked", "moved", "cancelled", "message")}
    return {"id": work.pk, "step": work.target, **facts, "refused": refusals(work.refused)}
