"""The editor's data panel: what a text can speak of, and the workflow's data sources."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from records.object_types import object_types
from records.seeing import may_see
from records.vocabulary import read_once
from workflows import drafting
from workflows.admin.meant import meant
from workflows.admin.trial_views import OFFERED
from workflows.data_sources.declared import added
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.editor.data_panel import DataPanel, listed, name_of, room
from workflows.editor.source_form import SourceForm
from workflows.models import Workflow
from workflows.rights import opening

ROOM = "admin/workflows/workflow/"


class DataViews:
    """Mixed into the workflow's admin."""

    workflow_or_404: Any

    def data_urls(self, wrap: Any) -> list[URLPattern]:
        return [
            path("<int:pk>/editor/data/", wrap(self.data_view), name="workflow_data"),
            path("<int:pk>/editor/data/sources/", wrap(self.sources_view), name="workflow_sources"),
            path("<int:pk>/editor/data/check/", wrap(require_POST(self.check_source_view)), name="workflow_source"),
        ]

    @read_once()
    def data_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What can be inserted at `?step=`: of `from`, written as `kind` has it, with values of the `record`."""
        workflow: Workflow = self.workflow_or_404(request, pk, "view")
        definition, asked = shown(workflow), request.GET.get("record", "").replace("\x00", "").strip()
        context: dict[str, Any] = {"asked": asked, "kind": object_types[workflow.object_type]}
        record = None
        if may_see(request.user, context["kind"]):
            records = (
                meant(context["kind"], asked, request.user) if asked else context["kind"].records().order_by("-pk")
            )
            found = list(records[: OFFERED + 1 if asked else 1])
            record = found[0] if len(found) == 1 else None
            if len(found) > 1:
                context["meant"] = [(one.pk, name_of(one, definition, request.user)) for one in found[:OFFERED]]
        else:
            context["hidden"] = True
        panel = DataPanel(
            definition, definition.by_id.get(request.GET.get("step", "")), request.user,
            kind=request.GET.get("kind", "token"), chosen=request.GET.get("from", ""), record=record,
        )  # fmt: skip
        context |= {"panel": panel, "workflow": workflow, "may_change": opening.may_change(workflow, request.user)}
        context["record_name"] = name_of(record, definition, request.user) if record is not None else ""
        return render(request, f"{ROOM}data_panel.html", context)

    @read_once()
    def sources_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The data sources of the draft; with `?new` the form that adds one, filled with what was chosen so far.

        With `?edit=`, the id of one, the form changes that one.
        """
        workflow: Workflow = self.workflow_or_404(request, pk, "view")
        definition = shown(workflow)
        context: dict[str, Any] = {
            "workflow": workflow, "may_change": opening.may_change(workflow, request.user), "room": room(definition),
        }  # fmt: skip
        if "new" in request.GET and context["may_change"]:
            own = added(definition).get(editing := request.GET.get("edit", ""))
            if editing and own is None:
                raise Http404(_("There is no data source “%(source)s” in this draft.") % {"source": editing})
            stored = own.document() if own is not None else {}
            sent = request.GET if "name" in request.GET else stored
            form = SourceForm(sent, definition, request.user, editing=editing)
            form.errors.clear()
            return render(request, f"{ROOM}data_source_form.html", context | {"form": form})
        return render(request, f"{ROOM}data_sources.html", context | {"sources": listed(definition, request.user)})

    @read_once()
    def check_source_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The filled-in form: the operation that adds the source, or the form with what is wrong. Changes nothing."""
        workflow: Workflow = self.workflow_or_404(request, pk, "change")
        definition = shown(workflow)
        editing = request.POST.get("edit", "")
        form = SourceForm(request.POST, definition, request.user, editing=editing)
        if editing and editing not in added(definition):
            raise Http404(_("There is no data source “%(source)s” in this draft.") % {"source": editing})
        if form.is_valid() and editing:
            told = _("The data source “%(name)s” was changed.") % {"name": form.document()["name"]}
            return JsonResponse(
                {"op": {"op": "update_source", "source": editing, "values": form.document()}, "told": told}
            )
        if form.is_valid():
            told = _("The data source “%(name)s” was added.") % {"name": form.document()["name"]}
            return JsonResponse({"op": {"op": "add_source", "source": form.document()}, "told": told})
        context = {"workflow": workflow, "form": form, "may_change": True}
        return JsonResponse({"form": render_to_string(f"{ROOM}data_source_form.html", context, request)})


def shown(workflow: Workflow) -> Definition:
    revision = drafting.shown(workflow) or drafting.draft_of(workflow)
    return parse(revision.definition)
