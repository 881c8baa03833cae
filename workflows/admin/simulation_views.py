"""Testing a workflow with a real record: what each step would do, without a trace."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.clock import database_now
from records.object_types import ObjectType
from records.problems import DocumentError
from workflows import drafting
from workflows.admin.diagnosis import Diagnosis
from workflows.definitions.parsing import parse
from workflows.editor.layout import layout
from workflows.editor.picture import picture
from workflows.models import Revision
from workflows.simulation.simulating import Simulation, simulate

#: How many values can be tried instead of the record's own.
ROWS = 3


class SimulationViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def simulation_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET: choose a record (`?q=`, `?record=`). POST: walk it through the draft; nothing of it is kept."""
        workflow = self.workflow_or_404(request, pk, "view")
        now = database_now()
        chosen = Diagnosis(workflow, request.GET, now, request.user)
        if not chosen.may_see(request.user):
            raise PermissionDenied
        revision = drafting.shown(workflow) or drafting.draft_of(workflow)
        rows = sent_rows(request)
        context = self.admin_site.each_context(request) | {
            "title": _("Test with a record"), "workflow": workflow, "chosen": chosen, "rows": rows,
            "properties": settable(chosen.object_type), "problems": [], "now": now,
        }  # fmt: skip
        if request.method == "POST" and chosen.record_id:
            try:
                instead = {slug: value for slug, value in rows if slug}
                result = simulate(revision, chosen.record_id, user=request.user, now=now, instead=instead)
                context |= told(result, revision, reverse("admin:workflow_editor", args=[workflow.pk]))
            except DocumentError as error:
                context["problems"] = [str(problem.message) for problem in error.problems]
        return TemplateResponse(request, "admin/workflows/workflow/simulation.html", context)


def sent_rows(request: HttpRequest) -> list[tuple[str, str]]:
    """Pairs of a property and the value to try, as many as the form has; ("", "") for none."""
    pairs = list(zip(request.POST.getlist("property"), request.POST.getlist("value"), strict=False))[:ROWS]
    return pairs + [("", "")] * (ROWS - len(pairs))


def settable(object_type: ObjectType) -> list[tuple[str, str]]:
    """The properties whose values can be tried, by their labels."""
    found = object_type.properties().items()
    return sorted(
        ((slug, capfirst(str(prop.label))) for slug, prop in found if not prop.read_only and prop.calculated is None),
        key=lambda pair: pair[1].casefold(),
    )


def told(result: Simulation, revision: Revision, editor: str) -> dict[str, Any]:
    """The result for the page: the lines, and the picture with the way the record took."""
    outcomes = {line.step: line.outcome for line in result.lines if line.step}
    title = _("The steps, with the way the record took")
    return {"result": result, "picture": picture(layout(parse(revision.definition)), outcomes, editor, title)}
