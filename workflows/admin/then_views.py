"""A published version of a workflow as it was: its picture, its steps in words, and the way of one record (HIS-10)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from records.ids import id_of
from workflows.editor.layout import layout
from workflows.editor.picture import picture
from workflows.history.telling import definition_of
from workflows.history.walked import steps_of, walked
from workflows.models import Enrollment


class ThenViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def version_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Version `number`, to look at; `?step=` is marked, `?enrollment=` shows the way of one."""
        workflow = self.workflow_or_404(request, pk, "view")
        revision = workflow.revisions.exclude(published_at=None).select_related("published_by").filter(number=number)
        shown = revision.first()
        if shown is None:
            message = _("“%(name)s” has no published version %(number)s.")
            raise Http404(message % {"name": workflow.name, "number": number})
        definition = definition_of(shown)
        asked = id_of(request.GET.get("enrollment"))
        enrollment = Enrollment.objects.filter(pk=asked or 0, workflow=workflow).first()
        may_see = request.user.has_perm("workflows.view_enrollment")
        outcomes = walked(enrollment, shown.pk) if enrollment and may_see else {}
        step = request.GET.get("step", "")
        here = reverse("admin:workflow_version", args=[workflow.pk, number])
        title = _("Version %(number)d of “%(name)s”") % {"number": number, "name": workflow.name}
        context = self.admin_site.each_context(request) | {
            "title": _("Version %(number)d") % {"number": number}, "subtitle": workflow.name, "workflow": workflow,
            "revision": shown, "live": shown.pk == workflow.live_id, "step": step,
            "picture": picture(layout(definition), outcomes or {step: "waiting"}, here, title) if definition else "",
            "steps": steps_of(definition) if definition else [],
            "enrollment": enrollment if outcomes else None,
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/version.html", context)
