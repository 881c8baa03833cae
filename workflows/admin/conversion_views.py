"""The metrics of one workflow: how many records come to each step and get through it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from workflows.history import conversion


class ConversionViews:
    """Mixed into the workflow's admin."""

    admin_site: Any
    workflow_or_404: Any

    def metrics_urls(self, wrap: Any) -> list[URLPattern]:
        return [path("<int:pk>/metrics/", wrap(self.metrics_view), name="workflow_metrics")]

    def metrics_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The figures of all versions since metrics were turned on, or of `?version=`."""
        workflow = self.workflow_or_404(request, pk, "view")
        asked = request.GET.get("version", "")
        version = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
        figures, late = None, False
        try:
            figures = conversion.figures(workflow, version)
        except conversion.TookTooLong:
            late = True
        context = self.admin_site.each_context(request) | {
            "title": _("Metrics"), "workflow": workflow, "figures": figures, "version": version, "late": late,
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/metrics.html", context)
