"""Enrollments: the history of a workflow, the story of one record, and taking records out by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from records.clock import database_now
from records.object_types import object_types
from records.vocabulary import read_once
from workflows.admin.attention_views import AttentionViews
from workflows.admin.chosen_enrollments import Chosen
from workflows.admin.diagnosis import Diagnosis
from workflows.admin.enrollment_list import STATUS_COLOURS, Listing, names_of, record_url
from workflows.admin.issue_views import IssueViews
from workflows.admin.log_views import LogViews
from workflows.admin.moving_views import MovingViews
from workflows.admin.reading import refuse_unseen
from workflows.editor.layout import layout
from workflows.editor.picture import picture
from workflows.enrollment.taking_out import take_out
from workflows.history.telling import definition_of, path_of, place_of
from workflows.history.walked import walked
from workflows.models import Enrollment, Workflow
from workflows.rights import opening

MANUAL = "workflows.publish_workflow"
#: Records the question before a whole list is taken out names.
NAMED = 20


@admin.register(Enrollment)
class EnrollmentAdmin(AttentionViews, IssueViews, LogViews, MovingViews):
    """Own pages: Django's change list would count millions of rows, and a form tells no story."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("unenroll/", wrap(require_POST(self.unenroll_view)), name="enrollment_unenroll"),
            path("diagnose/<int:pk>/", wrap(self.diagnose_view), name="workflow_diagnose"),
        ]
        routes = self.attention_urls() + self.issue_urls() + self.log_urls() + self.moving_urls()
        return own + routes + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        listing = Listing(request.GET, database_now(), request.user)
        title = _("Enrollment history")
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": listing.workflow.name if listing.workflow else None,
            "opts": self.opts,
            "listing": listing,
            "rows": listing.rows(),
            "filters": listing.filters(),
            "may_unenroll": request.user.has_perm(MANUAL),
        }
        return TemplateResponse(request, "admin/workflows/enrollment/list.html", context)

    @read_once()
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The story of one enrollment."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        pk = int(object_id) if object_id.isdecimal() and len(object_id) < 19 else 0
        enrollment = get_object_or_404(Enrollment.objects.select_related("workflow", "revision"), pk=pk)
        opening.refuse_closed(enrollment.workflow, request.user)
        refuse_unseen(enrollment.workflow, request.user)
        object_type = object_types.get(enrollment.workflow.object_type)
        names = names_of([enrollment], request.user)
        name = names.get((enrollment.workflow.object_type, enrollment.record_id), f"#{enrollment.record_id}")
        number, setting = place_of(enrollment)
        now = database_now()
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(record)s in %(workflow)s") % {"record": name, "workflow": enrollment.workflow.name},
            "opts": self.opts,
            "enrollment": enrollment,
            "object_type": object_type,
            "name": name,
            "record_url": record_url(enrollment.workflow.object_type, enrollment.record_id),
            "lines": path_of(enrollment, request.user),
            "picture": way_of(enrollment),
            "colour": STATUS_COLOURS.get(Enrollment.Status(enrollment.status), "muted"),
            "step_number": number,
            "step_setting": setting,
            "waits": enrollment.due_at is not None and enrollment.due_at > now,
            "may_unenroll": opening.may_change(enrollment.workflow, request.user, MANUAL),
            "stopped": enrollment.status == Enrollment.Status.FAILED and bool(enrollment.step),
        }
        return TemplateResponse(request, "admin/workflows/enrollment/story.html", context)

    def diagnose_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Why a record is, or is not, in a workflow: filter by filter."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        workflow = get_object_or_404(Workflow, pk=pk, deleted_at=None)
        opening.refuse_closed(workflow, request.user)
        diagnosis = Diagnosis(workflow, request.GET, database_now(), request.user)
        if not diagnosis.may_see(request.user):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Diagnose: %(workflow)s") % {"workflow": workflow.name},
            "opts": self.opts,
            "workflow": workflow,
            "diagnosis": diagnosis,
        }
        return TemplateResponse(request, "admin/workflows/enrollment/diagnose.html", context)

    def unenroll_view(self, request: HttpRequest) -> HttpResponse:
        """Ask, then take the chosen enrollments out of their workflows."""
        if not request.user.has_perm(MANUAL):
            raise PermissionDenied
        form = Chosen(request)
        chosen, ids, matching, back = form.enrollments, form.ids, form.matching, form.back
        inside = chosen.filter(status=Enrollment.Status.ACTIVE)
        if not inside.exists():
            messages.warning(request, _("None of the chosen enrollments is active any more. Nothing was changed."))
            return redirect(back)
        if request.POST.get("confirmed"):
            count = take_out(chosen, by=request.user, now=database_now())
            sentence = ngettext("%d record left its workflow.", "%d records left their workflows.", count) % count
            messages.success(request, sentence)
            return redirect(back)
        active = list(inside.select_related("workflow", "revision")[: NAMED if matching is not None else len(ids)])
        count = inside.count() if matching is not None else len(active)
        names = names_of(active, request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Take out of the workflow?"),
            "opts": self.opts,
            "chosen": [
                (one, names.get((one.workflow.object_type, one.record_id), f"#{one.record_id}")) for one in active
            ],
            "count": count,
            "more": count - len(active),
            "matching": matching,
            "upto": max((one.pk for one in active), default=0),
            "ended": len(ids) - len(active) if matching is None else 0,
            "back": back,
        }
        return TemplateResponse(request, "admin/workflows/enrollment/unenroll.html", context)


def way_of(enrollment: Enrollment) -> str:
    """The steps of its version with the way it took; "" where that cannot be drawn, or the workflow was deleted."""
    definition = definition_of(enrollment.revision)
    if definition is None or enrollment.workflow.deleted_at is not None:
        return ""
    here = reverse("admin:workflow_version", args=[enrollment.workflow_id, enrollment.revision.number])
    return picture(layout(definition), walked(enrollment), here, _("The steps, with the way the record took"))
