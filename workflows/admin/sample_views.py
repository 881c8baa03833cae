"""The page of samples of custom code (DOP-02)."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from workflows.code.catalogue import SAMPLES


class SampleViews:
    """Mixed into the workflow's admin."""

    admin_site: Any

    def sample_urls(self, wrap: Any) -> list[URLPattern]:
        return [path("code-samples/", wrap(self.samples_view), name="workflow_code_samples")]

    def samples_view(self, request: HttpRequest) -> HttpResponse:
        """Each sample with what its step has to have; nothing is changed by looking."""
        if not request.user.has_perm("workflows.view_workflow"):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {"title": _("Samples of custom code"), "samples": SAMPLES}
        return TemplateResponse(request, "admin/workflows/workflow/code_samples.html", context)
