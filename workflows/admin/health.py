"""The health page: processes, lag and throughput of every workflow, what is stuck; keeps itself up to date."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from records.clock import database_now
from workflows.admin.reading import ReadOnlyAdmin
from workflows.health.hindrances import try_now
from workflows.health.reporting import Health
from workflows.lifecycle.switching import PUBLISH
from workflows.models import Alert


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """One page for everybody who may see workflows: nothing on it is about single records."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and bool(request.user.has_perm("workflows.view_workflow"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("now/", self.admin_site.admin_view(self.now_view), name="engine_health_now"),
            path(
                "<int:pk>/again/", self.admin_site.admin_view(require_POST(self.again_view)), name="engine_try_again"
            ),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Engine health"),
            "opts": self.opts,
            **self.shown(request),
        }
        return TemplateResponse(request, "admin/workflows/alert/health.html", context)

    def now_view(self, request: HttpRequest) -> HttpResponse:
        """What the page shows, without the page."""
        return TemplateResponse(request, "admin/workflows/alert/now.html", self.shown(request))

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Try again now what was set aside for one part."""
        if not (self.has_view_permission(request) and request.user.has_perm(PUBLISH)):
            raise PermissionDenied
        if try_now(pk, database_now()):
            messages.success(request, _("It is being tried again. If the error is still there, it appears here anew."))
        else:
            messages.info(request, _("Nothing is set aside for that any more."))
        return redirect("admin:workflows_alert_changelist")

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        page = request.GET.get("page", "")
        health = Health(database_now(), int(page) if page.isdecimal() and len(page) < 5 else 1)
        return {"health": health, "may_try_again": request.user.has_perm(PUBLISH)}
