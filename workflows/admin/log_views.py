"""The pages of the action log: the lines of one workflow or of all, and why a step did what it did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records.clock import database_now
from records.vocabulary import read_once
from workflows.admin.enrollment_list import names_of, record_url
from workflows.admin.issue_list import SPANS, rows_of
from workflows.admin.log_list import COLOURS, LogListing
from workflows.admin.reading import ReadOnlyAdmin, refuse_unseen
from workflows.admin.whole_log_list import WholeLog
from workflows.definitions.checking import PUBLISH
from workflows.history import issues, outlook, retention
from workflows.history.step_reasons import explain_step
from workflows.models import Enrollment, Issue, Outcome, StepExecution, Workflow
from workflows.rights import opening


class LogViews(ReadOnlyAdmin):
    """Mixed into the admin of enrollments."""

    admin_site: admin.AdminSite

    def log_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("log/", wrap(self.whole_log_view), name="enrollment_log"),
            path("log/<int:pk>/", wrap(self.log_view), name="workflow_log"),
            path("kept/", wrap(self.kept_view), name="enrollment_kept"),
            path("event/<int:pk>/", wrap(self.event_view), name="enrollment_event"),
        ]

    @read_once()
    def whole_log_view(self, request: HttpRequest) -> HttpResponse:
        """What the steps of all workflows did, newest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        listing = WholeLog(request.GET, database_now(), request.user)
        return self.log_page(request, listing, subtitle=_("All workflows"))

    @read_once()
    def log_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What a workflow's steps did, newest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        workflow = get_object_or_404(Workflow.objects.select_related("live"), pk=pk)
        opening.refuse_closed(workflow, request.user)
        refuse_unseen(workflow, request.user)
        listing = LogListing(workflow, request.GET, database_now(), request.user)
        facts = self.issue_facts(listing, request.user)
        return self.log_page(request, listing, subtitle=workflow.name, workflow=workflow, **facts)

    def log_page(self, request: HttpRequest, listing: LogListing | WholeLog, **more: Any) -> HttpResponse:
        days = retention.STEPS.days
        kept = ngettext("The log is kept %(days)d day.", "The log is kept %(days)d days.", days) % {"days": days}
        context = {
            **self.admin_site.each_context(request),
            "title": _("Action log"),
            "opts": self.opts,
            "listing": listing,
            "rows": listing.rows(),
            "filters": listing.filters(),
            "kept": kept,
            **more,
        }
        return TemplateResponse(request, "admin/workflows/enrollment/log.html", context)

    def issue_facts(self, listing: LogListing, user: Any) -> dict[str, Any]:
        """What the page says about the issue whose occurrences it shows."""
        issue = listing.issue
        if issue is None:
            return {}
        return {
            "issue_row": rows_of([issue], listing.now)[0],
            "aside": not issues.open_issues(listing.now, Issue.objects.filter(pk=issue.pk)).exists(),
            "may_decide": opening.may_change(listing.workflow, user, PUBLISH),
            "spans": SPANS,
        }

    def kept_view(self, request: HttpRequest) -> HttpResponse:
        """How long history is kept, and what goes next."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = database_now()
        context = {
            **self.admin_site.each_context(request),
            "title": _("What is kept"),
            "opts": self.opts,
            "now": now,
            "outlook": outlook.outlook(now),
            "others": outlook.others(),
        }
        return TemplateResponse(request, "admin/workflows/enrollment/kept.html", context)

    @read_once()
    def event_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Why a step did what it did for a record (HIS-13)."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        execution = get_object_or_404(StepExecution.objects.order_by("-at"), pk=pk)
        enrollment = get_object_or_404(
            Enrollment.objects.select_related("workflow", "revision"), pk=execution.enrollment_id
        )
        workflow = enrollment.workflow
        opening.refuse_closed(workflow, request.user)
        refuse_unseen(workflow, request.user)
        names = names_of([enrollment], request.user)
        name = names.get((workflow.object_type, enrollment.record_id), f"#{enrollment.record_id}")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Why this happened"),
            "subtitle": name,
            "opts": self.opts,
            "workflow": workflow,
            "enrollment": enrollment,
            "execution": execution,
            "colour": COLOURS[Outcome(execution.outcome)],
            "reason": explain_step(execution, enrollment, user=request.user),
            "name": name,
            "record_url": record_url(workflow.object_type, enrollment.record_id),
        }
        return TemplateResponse(request, "admin/workflows/enrollment/event.html", context)
