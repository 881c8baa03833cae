"""Trying a draft with a record: the filters of its trigger (TRG-31), or one of its steps. Nothing is enrolled."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from records import criteria
from records.clock import database_now
from records.criteria.explaining import LeafAnswer, explain
from records.object_types import object_types
from records.problems import DocumentError
from records.seeing import hidden_in, may_see, may_use, name_for
from workflows import drafting
from workflows.admin.meant import meant
from workflows.code.trying import try_code
from workflows.definitions import permitted
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.models import Revision, Workflow
from workflows.registries import actions
from workflows.simulation import one_step
from workflows.step_forms.params import StepContext
from workflows.times.wall_time import workflow_zone

OFFERED = 10


@dataclass(frozen=True)
class Trial:
    """What is told about a record: whether it meets the filters, and each of them; or why that cannot be told."""

    name: str = ""
    met: bool = False
    leaves: list[LeafAnswer] = field(default_factory=list)
    problem: str = ""


class TrialViews:
    """Mixed into the workflow's admin."""

    workflow_or_404: Any

    def trial_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("<int:pk>/editor/try/", wrap(self.try_trigger_view), name="workflow_try_trigger"),
            path("<int:pk>/editor/try-step/", wrap(require_POST(self.try_step_view)), name="workflow_try_step"),
        ]

    def try_trigger_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """`?record=` is the id of a record or a part of its name: the answer, or the records it may mean."""
        workflow: Workflow = self.workflow_or_404(request, pk, "view")
        kind = object_types[workflow.object_type]
        asked = request.GET.get("record", "").replace("\x00", "").strip()
        context: dict[str, Any] = {"asked": asked, "kind": kind}
        if not may_see(request.user, kind):
            told = _("You may not see %(records)s, so you cannot try any.") % {"records": kind.label_plural}
            context["trial"] = Trial(problem=told)
        elif asked:
            found = list(meant(kind, asked, request.user)[: OFFERED + 1])
            revision = drafting.shown(workflow)
            if len(found) == 1 and revision is not None:
                definition = parse(revision.definition)
                context["trial"] = tried(definition, found[0], request.user, database_now())
                context["event"] = definition.trigger.kind == "event"
            context["more"] = len(found) > OFFERED
            context["offered"] = [(record.pk, name_for(request.user, kind, record)) for record in found[:OFFERED]]
        return TemplateResponse(request, "admin/workflows/workflow/trial.html", context)

    def try_step_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """POST `step` and `record`, its id, a part of its name, or nothing for the newest: what the step would do."""
        workflow: Workflow = self.workflow_or_404(request, pk, "view")
        revision, step = drafting.shown(workflow), request.POST.get("step", "")
        if revision is None or step not in parse(revision.definition).by_id:
            raise Http404(_("There is no step “%(step)s” in this draft.") % {"step": step})
        kind = object_types[workflow.object_type]
        asked = request.POST.get("record", "").replace("\x00", "").strip()
        context: dict[str, Any] = {"asked": True, "kind": kind}
        if not may_see(request.user, kind):
            told = _("You may not see %(records)s, so you cannot try any.") % {"records": kind.label_plural}
            context["problem"] = told
        else:
            found = list(
                meant(kind, asked, request.user)[: OFFERED + 1] if asked else kind.records().order_by("-pk")[:1]
            )
            if len(found) == 1:
                context |= step_tried(revision, step, found[0], request.user, database_now())
                context |= self.code_tried(request, workflow, revision, step, context)
            context["more"] = len(found) > OFFERED
            context["offered"] = [(record.pk, name_for(request.user, kind, record)) for record in found[:OFFERED]]
        return TemplateResponse(request, "admin/workflows/workflow/step_trial.html", context)

    def code_tried(
        self, request: HttpRequest, workflow: Workflow, revision: Revision, step: str, context: dict[str, Any]
    ) -> dict[str, Any]:
        """Whether a step's script may be run here, and with POST `run` what came of it: then it was really run."""
        result, action = context.get("result"), actions.get(parse(revision.definition).by_id[step].action)
        if result is None or result.event is None or action is None or not may_use(request.user, action.permission):
            return {}
        part = {"action": action.slug, "params": parse(revision.definition).by_id[step].params}
        try:
            # Not even what stands in a draft already sends secrets somewhere else than the live workflow does.
            permitted.refuse_new(workflow.live.definition if workflow.live else {}, part, request.user)
        except DocumentError:
            return {"may_not_run": True}
        if not request.POST.get("run"):
            return {"may_run": True}
        self.workflow_or_404(request, workflow.pk, "change")
        definition = parse(revision.definition)
        params = definition.by_id[step].params
        wanted = action.outputs(params, StepContext(definition, definition.by_id[step]))
        return {"may_run": True, "ran": try_code(params, result.event, wanted)}


def step_tried(revision: Revision, step: str, record: Any, user: Any, now: dt.datetime) -> dict[str, Any]:
    """What is told about a step and a record."""
    try:
        result = one_step.try_step(revision, step, record.pk, user=user, now=now)
    except DocumentError as error:
        return {"problem": " ".join(str(problem.message) for problem in error.problems)}
    name = name_for(user, object_types[revision.workflow.object_type], record)
    return {"result": result, "record": record, "name": name, "looks_back": one_step.looks_back(revision, step)}


def tried(definition: Definition, record: Any, user: Any, now: dt.datetime) -> Trial:
    """Which of the trigger's filters a record meets now; of an event trigger those beside the events."""
    kind, document = object_types[definition.object], definition.trigger.criteria
    name = name_for(user, kind, record)
    if not document:
        return Trial(name, problem=_("The trigger has no filters to try."))
    if document == {"all": []}:
        return Trial(name, met=True)
    try:
        compiled = criteria.compile(document, kind, now=now, zone=workflow_zone(definition.settings).key, stored=True)
    except DocumentError as error:
        return Trial(name, problem=str(error.problems[0].message))
    if hidden := hidden_in(user, compiled):
        told = _("The filters look at %(what)s, which you may not see.") % {"what": hidden}
        return Trial(name, problem=told)
    met = compiled.records().filter(pk=record.pk).exists()
    return Trial(name, met, explain(kind, compiled.leaves, [record.pk]).get(record.pk, []))
