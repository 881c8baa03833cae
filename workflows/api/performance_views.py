"""How a workflow does, with histograms by day, week or month (HIS-15)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.request import Request
from rest_framework.response import Response

from records.api.authentication import Right
from records.api.problem_details import ApiProblem
from records.api.schema import Route, object_shape, query
from records.api.views import one_of
from workflows.api.shapes import COUNT, INSTANT, MAYBE_COUNT, TEXT, many
from workflows.api.workflow_views import READ, VIEW, WorkflowsView
from workflows.history import performance

PERIOD = object_shape(
    {"since": INSTANT, "enrolled": COUNT, "completed": COUNT, "unenrolled": COUNT, "failed": COUNT, "met_goal": COUNT}
)
ROWS = {"type": "array", "items": {"type": "array", "items": {}}}
TABLE = object_shape({"title": TEXT, "columns": many(TEXT), "rows": ROWS, "note": TEXT})
PERFORMANCE = object_shape(
    {
        "enrolled": COUNT | {"description": "Ever; who was refused is not counted."},
        "active": COUNT, "completed": COUNT, "unenrolled": COUNT, "failed": COUNT, "refused": COUNT,
        "goal_base": MAYBE_COUNT | {"description": "Enrollments the conversion is a part of; null without a goal."},
        "goal_met": MAYBE_COUNT,
        "goal_rate": {"type": ["number", "null"], "description": "In percent."},
        "histogram": many(PERIOD) | {"description": "Oldest first, in the time zone of the workflow."},
        "tables": many(TABLE),
    },
    title="Performance",
)  # fmt: skip


class PerformanceView(WorkflowsView):
    routes: ClassVar[dict[str, Route]] = {
        "retrieve_performance": Route(
            Right(READ, VIEW), gettext_lazy("How a workflow does"), PERFORMANCE, problems=(503,),
            parameters=(query("by", "What the histogram counts by.", str, enum=list(performance.PERIODS)),),
        ),
    }  # fmt: skip

    def retrieve_performance(self, request: Request, id: int) -> Response:
        workflow = self.workflow(id)
        by = one_of(request, "by", performance.PERIODS) or "day"
        try:
            found = performance.performance(workflow, by, self.now())
        except performance.TookTooLong as error:
            detail = _("Counting took longer than 10 s. Ask again when less is going on.")
            raise ApiProblem("unavailable", detail) from error
        return Response(render(found))


def render(found: performance.Performance) -> dict[str, Any]:
    facts = asdict(found)
    return {**facts, "goal_rate": found.goal_rate, "histogram": facts.pop("periods")}
