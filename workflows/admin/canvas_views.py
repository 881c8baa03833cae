"""What the editor's canvas asks for besides the draft: copying and pasting, finding, and counts."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from records.api.bodies import body_of
from records.clock import database_now
from records.problems import DocumentError
from records.vocabulary import read_once
from workflows import drafting
from workflows.admin.data_views import DataViews
from workflows.admin.editor_views import BODY_LIMIT, refused
from workflows.definitions.parsing import parse
from workflows.drafting import clipboard
from workflows.editor import counts, finding, page
from workflows.editor.glance import glance, trigger_glance
from workflows.history import traffic


class CanvasViews(DataViews):
    """Mixed into the workflow's admin."""

    workflow_or_404: Any

    def canvas_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("<int:pk>/editor/copy/", wrap(require_POST(self.copy_view)), name="workflow_copy"),
            path("<int:pk>/editor/paste/", wrap(require_POST(self.paste_view)), name="workflow_paste"),
            path("<int:pk>/editor/palette/", wrap(self.palette_view), name="workflow_palette"),
            path("<int:pk>/editor/find/", wrap(self.find_view), name="workflow_find"),
            path("<int:pk>/editor/glance/", wrap(self.glance_view), name="workflow_glance"),
            path("<int:pk>/editor/counts/", wrap(self.counts_view), name="workflow_counts"),
            *self.data_urls(wrap),
        ]

    def copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """`{"steps": [ids]}`: the text for the clipboard, and a sentence that says what it holds."""
        workflow = self.workflow_or_404(request, pk, "view")
        revision = drafting.shown(workflow)
        try:
            found = clipboard.copied(workflow, revision.definition if revision else {}, sent(request).get("steps"))
        except DocumentError as error:
            return refused(error)
        count = len(found["steps"])
        told = ngettext("%(count)d step of “%(name)s”", "%(count)d steps of “%(name)s”", count)
        text = clipboard.as_text(found)
        return JsonResponse({"text": text, "told": told % {"count": count, "name": workflow.name}})

    @read_once()
    def paste_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """`{"text", "at"}`: the steps as the operation `paste` takes them, and what does not fit. Changes nothing."""
        workflow = self.workflow_or_404(request, pk, "change")
        revision = drafting.shown(workflow) or drafting.draft_of(workflow)
        asked = sent(request)
        try:
            found = clipboard.fitted(asked.get("text"), workflow, revision.definition, asked.get("at"), request.user)
        except DocumentError as error:
            return refused(error)
        return JsonResponse({"steps": found.steps, "notes": found.notes, "sources": found.sources})

    @read_once()
    def palette_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The actions that can be added, fetched when there is time: the page does not grow with them."""
        workflow = self.workflow_or_404(request, pk, "change")
        groups = page.palette(workflow.object_type, page.centre_of(workflow), request.user)
        return render(request, "admin/workflows/workflow/palette.html", {"palette": groups})

    @read_once()
    def find_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The steps in which `?q=` occurs, in reading order, and where in them."""
        workflow = self.workflow_or_404(request, pk, "view")
        revision = drafting.shown(workflow)
        definition = parse(revision.definition) if revision else None
        hits = finding.find(definition, request.GET.get("q", "")) if definition else []
        return JsonResponse({"hits": [hit.as_json() for hit in hits]})

    def glance_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The settings of `?step=`, or of the trigger, in words: for who rests on its card."""
        workflow = self.workflow_or_404(request, pk, "view")
        revision, step = drafting.shown(workflow), request.GET.get("step", "")
        definition = parse(revision.definition) if revision else None
        if definition is None or step not in ("trigger", *definition.by_id):
            raise Http404(_("There is no step “%(step)s” in this draft.") % {"step": step})
        found = trigger_glance(definition) if step == "trigger" else glance(definition, step, request.user)
        context = {"glance": found}
        return render(request, "admin/workflows/workflow/glance.html", context)

    def counts_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who stands where now and, with `?period=`, who passed and failed since (DLY-15, SET-09, EDT-16)."""
        workflow = self.workflow_or_404(request, pk, "view")
        if workflow.live_id is None:
            return JsonResponse({"steps": {}, "branches": {}, "late": ""})
        period, late = request.GET.get("period", ""), ""
        passing = None
        if period in traffic.PERIODS:
            try:
                passing = traffic.since(workflow, traffic.begin(period, database_now()))
            except traffic.TookTooLong:
                late = _("Counting this period takes too long. Choose a shorter one.")
        shown = counts.Shown(workflow, period, traffic.here(workflow), passing)
        return JsonResponse({"steps": shown.steps(), "branches": shown.branches(), "late": late})


def sent(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent; an empty one for anything else."""
    try:
        found = json.loads(body_of(request, BODY_LIMIT))
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
