"""Deciding about issues: one button, one verb (HIS-12)."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.problems import DocumentError
from workflows.admin.reading import ReadOnlyAdmin
from workflows.definitions.checking import PUBLISH
from workflows.history import issues
from workflows.models import Issue
from workflows.rights import opening


class IssueViews(ReadOnlyAdmin):
    """Mixed into the admin of enrollments."""

    admin_site: admin.AdminSite

    def issue_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(require_POST(self.decide_view))
        return [path("issue/<int:pk>/", decide, name="enrollment_issue")]

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Mark an issue as fixed, ignore it until it happens again, put it off (`span`), or open it again."""
        if not request.user.has_perm(PUBLISH):
            raise PermissionDenied
        issue = get_object_or_404(Issue.objects.select_related("workflow"), pk=pk)
        opening.refuse_change(issue.workflow, request.user)
        back = request.POST.get("back", "")
        if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
            back = reverse("admin:enrollment_attention")
        told = {
            issues.FIX: _("Marked as fixed. If it happens again, it comes back here."),
            issues.IGNORE: _("Ignored. If it happens again, it comes back here."),
            issues.REMIND: _("Put off. It comes back on its day."),
            issues.REOPEN: _("Opened again."),
        }
        verb, span = request.POST.get("verb", ""), request.POST.get("span", "")
        try:
            chosen = Issue.objects.filter(pk=pk)
            issues.decide(chosen, verb, by=request.user, now=database_now(), span=span)
            messages.success(request, told[verb])
        except DocumentError as error:
            messages.error(request, error.problems[0].message)
        return redirect(back)
