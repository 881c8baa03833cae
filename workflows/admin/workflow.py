"""Workflows: the list, making one, and the doors to editor, review and history."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from records import vocabulary
from records.clock import database_now
from records.ids import id_of
from records.problems import DocumentError
from records.vocabulary import read_once
from workflows import drafting
from workflows.admin import switch_views
from workflows.admin.canvas_views import CanvasViews
from workflows.admin.comment_views import CommentViews
from workflows.admin.conversion_views import ConversionViews
from workflows.admin.create_views import CreateViews
from workflows.admin.deleted_views import DeletedFilter, DeletedViews
from workflows.admin.editor_views import EditorViews
from workflows.admin.list_columns import ListColumns
from workflows.admin.list_filters import (
    ActionFilter,
    AttentionFilter,
    AuthorFilter,
    FolderFilter,
    ObjectTypeFilter,
    StatusFilter,
    UsesFilter,
)
from workflows.admin.map_views import MapViews
from workflows.admin.mass_views import MassViews
from workflows.admin.organising_views import OrganisingViews
from workflows.admin.outline_views import OutlineViews
from workflows.admin.problem_marks import issue_count
from workflows.admin.review_views import ReviewViews
from workflows.admin.sample_views import SampleViews
from workflows.admin.simulation_views import SimulationViews
from workflows.admin.switch_views import SwitchViews
from workflows.admin.trial_views import TrialViews
from workflows.admin.unreadable import explained
from workflows.admin.version_views import VersionViews
from workflows.definitions import checking, uses
from workflows.engine import limits
from workflows.history import counting
from workflows.lifecycle import cataloguing
from workflows.models import Enrollment, Revision, Workflow
from workflows.rights.opening import openable


@admin.register(Workflow)
class WorkflowAdmin(
    EditorViews,
    CanvasViews,
    CommentViews,
    TrialViews,
    OutlineViews,
    SimulationViews,
    VersionViews,
    ReviewViews,
    SwitchViews,
    ConversionViews,
    MassViews,
    DeletedViews,
    CreateViews,
    SampleViews,
    MapViews,
    OrganisingViews,
    ListColumns,
    admin.ModelAdmin,
):
    list_display = ("title", "kind", "status_chip", "enrolled", "active", "problems", "updated_at", "menu")
    list_display_links = None
    list_filter = (
        StatusFilter, ObjectTypeFilter, FolderFilter, AuthorFilter, AttentionFilter, ActionFilter, UsesFilter,
        DeletedFilter,
    )  # fmt: skip
    search_fields = ("name", "description")
    list_per_page = 50
    ordering = ("-updated_at",)
    actions = (
        "turn_on_selected", "pause_selected", "resume_selected", "drain_selected", "turn_off_selected",
        "move_selected",
    )  # fmt: skip
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site

        def wrap(view: Any) -> Any:
            return site.admin_view(explained(view, site))

        own = [
            path("<int:pk>/editor/", wrap(self.editor_view), name="workflow_editor"),
            path("<int:pk>/editor/ops/", wrap(require_POST(self.ops_view)), name="workflow_ops"),
            path("<int:pk>/editor/panel/", wrap(self.panel_view), name="workflow_panel"),
            *self.trial_urls(wrap),
            *self.sample_urls(wrap),
            *self.template_urls(wrap),
            *self.canvas_urls(wrap),
            path("<int:pk>/outline/", wrap(self.outline_view), name="workflow_outline"),
            path("<int:pk>/test/", wrap(self.simulation_view), name="workflow_simulation"),
            *self.version_urls(wrap),
            *self.metrics_urls(wrap),
            path("<int:pk>/enroll/", wrap(self.enroll_view), name="workflow_enroll"),
            path("mass/<int:mass>/", wrap(self.mass_view), name="workflow_mass"),
            path("<int:pk>/review/", wrap(self.review_view), name="workflow_review"),
            path("switch/", wrap(self.switch_view), name="workflow_switch"),
            path("<int:pk>/clone/", wrap(require_POST(self.clone_view)), name="workflow_clone"),
            path("<int:pk>/remove/", wrap(self.remove_view), name="workflow_remove"),
            path("<int:pk>/restore/", wrap(require_POST(self.restore_view)), name="workflow_restore"),
        ]
        own += self.map_urls(wrap) + self.organising_urls(wrap)
        return own + self.comment_urls() + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        found = openable(super().get_queryset(request), request.user).select_related("folder", "live")
        drafts = Prefetch("revisions", Revision.objects.filter(published_at=None), to_attr="drafts")
        return counting.with_counts(found.prefetch_related(drafts)).annotate(
            may_switch=Value(self.has_publish_permission(request)), limited_until=limits.waiting_until(),
            failing=issue_count(),
        )  # fmt: skip

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(checking.PUBLISH))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # Deleting is soft, by remove_view.

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        nothing = (
            not Workflow.objects.filter(deleted_at=None).exists() and DeletedFilter.parameter_name not in request.GET
        )
        if nothing and self.has_add_permission(request):
            return self.add_view(request)
        with read_once():
            vocabulary.version_once()  # Before anything is read that belongs to it.
            page = super().changelist_view(request, self.views_for(request) | (extra_context or {}))
            return page.render() if isinstance(page, TemplateResponse) else page

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if id_of(object_id) is None:
            raise Http404(_("There is no workflow “%(id)s”.") % {"id": object_id})
        return redirect("admin:workflow_editor", object_id)

    def clone_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A copy that is off, without enrollments and history (CRE-20)."""
        workflow = self.workflow_or_404(request, pk, "add")
        revision = drafting.shown(workflow)
        assert revision is not None
        try:
            twin = drafting.create(
                cataloguing.name_of_copy(workflow.name), workflow.object_type, request.user, revision.definition
            )
        except DocumentError as error:
            self.message_user(request, str(error.problems[0].message), messages.ERROR)
            return redirect("admin:workflows_workflow_changelist")
        return redirect("admin:workflow_editor", twin.pk)

    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete: the workflow is turned off and hidden, who is inside leaves; its history stays."""
        workflow = self.workflow_or_404(request, pk, "delete")
        inside = Enrollment.objects.filter(workflow=workflow, status="active").count()
        if request.method == "POST":
            cataloguing.remove(workflow, by=request.user, now=database_now())
            self.message_user(request, _("“%(name)s” was deleted.") % {"name": workflow.name}, messages.SUCCESS)
            return redirect("admin:workflows_workflow_changelist")
        context = self.admin_site.each_context(request) | {
            "title": _("Delete “%(name)s”?") % {"name": workflow.name}, "workflow": workflow, "inside": inside,
            "users": switch_views.turned_away(uses.enrolling_in_each([workflow]).get(workflow.pk)),
        }  # fmt: skip
        return TemplateResponse(request, "admin/workflows/workflow/remove.html", context)

    @admin.action(description=gettext_lazy("Turn on…"), permissions=["publish"])
    def turn_on_selected(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> HttpResponse:
        return self.ask_to_switch(switch_views.ON, queryset)

    @admin.action(description=gettext_lazy("Pause…"), permissions=["publish"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> HttpResponse:
        return self.ask_to_switch(switch_views.PAUSE, queryset)

    @admin.action(description=gettext_lazy("Resume…"), permissions=["publish"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> HttpResponse:
        return self.ask_to_switch(switch_views.RESUME, queryset)

    @admin.action(description=gettext_lazy("Finish and turn off…"), permissions=["publish"])
    def drain_selected(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> HttpResponse:
        return self.ask_to_switch(switch_views.DRAIN, queryset)

    @admin.action(description=gettext_lazy("Turn off…"), permissions=["publish"])
    def turn_off_selected(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> HttpResponse:
        return self.ask_to_switch(switch_views.OFF, queryset)
