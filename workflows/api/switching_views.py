"""Turn workflows on and off, pause and resume them."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.schema import Route
from records.api.serializing import Body, Flag
from workflows.api import shapes
from workflows.api.workflow_views import MAY_PUBLISH, PUBLISH, WorkflowsView, render
from workflows.lifecycle import switching

RIGHT = Right(PUBLISH, MAY_PUBLISH)


class TurningOff(Body):
    drain = Flag(default=False, help_text="Let who is inside finish with all actions first.")


class SwitchingView(WorkflowsView):
    """Each route answers with the workflow as it is then; repeating a request changes nothing."""

    routes: ClassVar[dict[str, Route]] = {
        "turn_on": Route(RIGHT, gettext_lazy("Let records enter and actions be done"), shapes.WORKFLOW),
        "turn_off": Route(
            RIGHT,
            gettext_lazy("Let no more records enter; actions of those inside are skipped, unless they are to finish"),
            shapes.WORKFLOW, TurningOff,
        ),
        "pause": Route(RIGHT, gettext_lazy("Hold every record where it stands"), shapes.WORKFLOW),
        "resume": Route(RIGHT, gettext_lazy("Go on after a pause"), shapes.WORKFLOW),
    }  # fmt: skip

    def turn_on(self, request: Request, id: int) -> Response:
        switching.turn_on(self.workflow(id), by=request.user, now=self.now())
        return Response(render(self.workflow(id)))

    def turn_off(self, request: Request, id: int) -> Response:
        drain = self.body(request, TurningOff)["drain"] if request.data else False
        switching.turn_off(self.workflow(id), by=request.user, now=self.now(), drain=drain)
        return Response(render(self.workflow(id)))

    def pause(self, request: Request, id: int) -> Response:
        switching.pause(self.workflow(id), by=request.user, now=self.now())
        return Response(render(self.workflow(id)))

    def resume(self, request: Request, id: int) -> Response:
        switching.resume(self.workflow(id), by=request.user, now=self.now())
        return Response(render(self.workflow(id)))
