"""From draft to live: read, replace, review, publish."""

from __future__ import annotations

from dataclasses import asdict
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
from records.api.schema import Route, header
from records.api.serializing import Body, Flag, Line
from records.problems import DocumentError, Problem
from workflows import doorbell, drafting
from workflows.api import shapes
from workflows.api.workflow_views import (
    CHANGE,
    MAY_PUBLISH,
    PUBLISH,
    READ,
    VIEW,
    WRITE,
    WorkflowsView,
    conflict,
)
from workflows.definitions.parsing import NAME_LIMIT
from workflows.drafting import saving
from workflows.lifecycle import previewing, publishing
from workflows.lifecycle.following import FOLLOW, KEEP, PIN, RECOMPUTE, StepCount
from workflows.models import Revision

IF_MATCH = "The “ETag” of the draft you have: its rev, in quotes."


class Targets(serializers.DictField):
    """For steps that are gone, the step at which their records go on; "" to leave."""

    child = Line(allow_blank=True, max_length=63)


class Publication(Body):
    enroll_existing = Flag()
    in_flight = serializers.ChoiceField([FOLLOW, PIN], required=False, allow_null=True)
    orphans = Targets(required=False)
    delays = serializers.ChoiceField([KEEP, RECOMPUTE], default=KEEP)
    name = Line(required=False, max_length=NAME_LIMIT)
    description = Line(required=False, allow_blank=True, max_length=5_000)


class DraftView(WorkflowsView):
    routes: ClassVar[dict[str, Route]] = {
        "draft": Route(
            Right(READ, VIEW),
            gettext_lazy("The draft's definition, or what one would begin with; its rev is the “ETag”"),
            shapes.DEFINITION,
        ),
        "replace": Route(
            Right(WRITE, CHANGE), gettext_lazy("Replace the draft's definition"), shapes.DEFINITION,
            shapes.DEFINITION, headers=(header("If-Match", IF_MATCH, required=True),), problems=(409, 428),
        ),
        "review": Route(Right(READ, VIEW), gettext_lazy("What publishing the draft would do"), shapes.REVIEW),
        "publish": Route(
            Right(PUBLISH, MAY_PUBLISH), gettext_lazy("Publish the draft and turn the workflow on"), shapes.PUBLISHED,
            Publication, headers=(header("If-Match", IF_MATCH),), problems=(409,),
        ),
    }  # fmt: skip

    def draft(self, request: Request, id: int) -> Response:
        workflow = self.workflow(id)
        draft = previewing.draft(workflow)
        if draft is not None or workflow.live is None:
            return shown(draft)
        return shown(workflow.live, saving.as_called_now(workflow, workflow.live.definition))

    def replace(self, request: Request, id: int) -> Response:
        workflow, rev = self.workflow(id), expected_rev(request)
        if rev is None:
            detail = _("Send “If-Match” with the “ETag” of the draft you have, so that nobody's edits are lost.")
            raise ApiProblem("precondition_required", detail, [Problem("If-Match", detail)])
        try:
            drafting.replace(workflow, request.data, rev=rev, user=request.user, now=self.now())
        except drafting.Conflict as error:
            raise conflict(error) from None
        return shown(previewing.draft(workflow))

    def review(self, request: Request, id: int) -> Response:
        workflow = self.workflow(id)
        found = previewing.review(workflow, user=request.user, now=self.now())
        return Response(
            {
                "ready": found.ready,
                "problems": [{**problem.as_json(), "severity": problem.severity} for problem in found.problems],
                "trigger": str(found.trigger_text),
                "matching": None if found.withheld else found.matching,
                "samples": [{"id": pk, "name": name} for pk, name in found.samples],
                "already_enrolled": None if found.withheld else found.already_enrolled,
                "kept_out": None if found.withheld else found.kept_out,
                "next_times": [moment.isoformat() for moment in found.upcoming],
                "in_flight": found.in_flight,
                "inside": [step_count(count) for count in found.inside.standing],
                "orphans": [step_count(count) for count in found.inside.orphans],
                "delays": [step_count(count) for count in found.inside.delays],
            }
        )

    def publish(self, request: Request, id: int) -> Response:
        body, workflow = self.body(request, Publication), self.workflow(id)
        try:
            done = publishing.publish(workflow, by=request.user, now=self.now(), rev=expected_rev(request), **body)
        except publishing.RevisionConflict as error:
            raise conflict(error) from None
        transaction.on_commit(doorbell.ring)
        return Response({"revision": done.revision.number, "enrolled": done.enrolled, **asdict(done.followed)})


def shown(revision: Revision | None, begun: dict[str, Any] | None = None) -> Response:
    """A draft; or, where there is none, what one would begin with (`begun`), from the live revision."""
    if revision is None:
        raise Http404
    headers = {"ETag": f'"{revision.rev}"', "Draft-Exists": "false" if begun else "true"}
    return Response(begun or revision.definition, headers=headers)


def step_count(found: StepCount) -> dict[str, Any]:
    return {"revision": found.revision, "step": found.step, "count": found.count}


def expected_rev(request: Request) -> int | None:
    """The rev in `If-Match`; None without one. Raises DocumentError for anything but a rev."""
    text = request.headers.get("If-Match")
    if text is None:
        return None
    number = text.strip().strip('"')
    if number.isascii() and number.isdigit() and len(number) <= 9:
        return int(number)
    message = _('“%(value)s” is not the ETag of a draft. Send the one you got, like “"7"”.') % {"value": text}
    raise DocumentError([Problem("If-Match", message, text)])
