"""What the lists of all object types have in common: columns, filters, and actions for many records."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from crm.admin import columns, enrolling, seen, trash
from crm.admin.merging_views import MergingAdmin
from crm.admin.paging import FirstPagePaginator, RecordChangeList
from records.problems import DocumentError
from records.saving import delete_records, restore_records
from workflows.models import MassEnrollment


class RecordListAdmin(MergingAdmin):
    """The list of records of one object type, and what is done with many at once."""

    change_list_template = "admin/crm/record_list.html"
    list_per_page = 50
    list_max_show_all = 200
    paginator = FirstPagePaginator
    show_full_result_count = False
    actions: tuple[str, ...] = (
        "enroll_selected", "add_to_list_selected", "delete_records_selected", "restore_selected",
    )  # fmt: skip
    select_filters: tuple[str, ...] = ()

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, self.opts.model_name
        own = [
            path("columns/", wrap(self.columns_view), name=f"crm_{name}_columns"),
            path("enroll/", wrap(require_POST(self.enroll_view)), name=f"crm_{name}_enroll"),
        ]
        return own + super().get_urls()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordChangeList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        gone = [trash.erased_on] if request.GET.get("deleted") == "yes" else []
        return ["shown_name", *gone, *columns.columns_of(request, self.object_type)[1]]

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        return ["shown_name"]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return seen.filters(request, self.object_type, self.select_filters)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return seen.lookup_allowed(request, self.object_type, lookup) and super().lookup_allowed(
            lookup, value, request
        )

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return seen.searched(request, self.object_type, super().get_search_fields(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        queryset = super().get_queryset(request)
        shown = columns.columns_of(request, self.object_type)[1]
        calculated = {c.slug: c.prop.calculated for c in shown if c.prop is not None and c.prop.calculated is not None}
        return queryset.annotate(**calculated) if calculated else queryset

    @admin.display(description=gettext_lazy("name"))
    def shown_name(self, record: Any) -> str:
        return self.object_type.name_of(record)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        name = self.opts.model_name
        links = {"columns_url": reverse(f"admin:crm_{name}_columns"), "object_type": self.object_type}
        if request.user.has_perm("records.add_importrun"):
            links["import_url"] = f"{reverse('admin:records_importrun_add')}?object_type={self.object_type.slug}"
        return super().changelist_view(request, links | (extra_context or {}))

    def columns_view(self, request: HttpRequest) -> HttpResponse:
        """Choose and order the columns of the list."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        current = columns.chosen(request, self.object_type)
        data = request.POST if request.method == "POST" else None
        form = columns.ColumnsForm(data, object_type=self.object_type, user=request.user, current=current)
        if form.is_valid():
            columns.save(request, self.object_type, [] if "usual" in request.POST else form.slugs())
            return redirect(f"admin:crm_{self.opts.model_name}_changelist")
        title = _("Columns of %(types)s") % {"types": self.object_type.label_plural}
        return self.page(request, "admin/crm/columns.html", {"title": title, "form": form})

    def page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        base = self.admin_site.each_context(request)
        facts = {"opts": self.opts, "object_type": self.object_type, "is_popup": False, "media": self.media}
        return TemplateResponse(request, template, base | facts | context)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        unwanted = "delete_records_selected" if request.GET.get("deleted") == "yes" else "restore_selected"
        actions.pop(unwanted, None)
        return actions

    @admin.action(description=gettext_lazy("Delete"), permissions=["delete"])
    def delete_records_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        count = delete_records(self.object_type, ids, actor=request.user)
        message = ngettext(
            "%(count)d record was deleted. Find it under the filter “deleted” to restore it.",
            "%(count)d records were deleted. Find them under the filter “deleted” to restore them.",
            count,
        )
        messages.success(request, message % {"count": count})

    @admin.action(description=gettext_lazy("Restore"), permissions=["delete"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        self.restore(request, list(queryset.values_list("pk", flat=True)))

    def restore(self, request: HttpRequest, ids: list[int]) -> None:
        try:
            count = restore_records(self.object_type, ids, actor=request.user)
        except DocumentError as error:
            for problem in error.problems:
                messages.error(request, str(problem.message))
            return
        message = ngettext("%(count)d record was restored.", "%(count)d records were restored.", count)
        messages.success(request, message % {"count": count})

    @admin.action(description=gettext_lazy("Enroll in workflow…"), permissions=["enroll"])
    def enroll_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        ids = list(queryset.values_list("pk", flat=True))
        return enrolling.choose(self, request, ids)

    def has_enroll_permission(self, request: HttpRequest) -> bool:
        return self.object_type.enrolls and request.user.has_perm("workflows.publish_workflow")

    def enroll_view(self, request: HttpRequest) -> HttpResponse:
        """Enroll the posted records in the chosen workflow."""
        if not (self.has_enroll_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        done = enrolling.perform(self.object_type, request)
        if isinstance(done, MassEnrollment):
            return redirect("admin:workflow_mass", done.pk)
        if len(done) == 1:
            return redirect(self.url_of(done[0]))
        return redirect(f"admin:crm_{self.opts.model_name}_changelist")

    def url_of(self, pk: int) -> str:
        return reverse(f"admin:crm_{self.opts.model_name}_change", args=[pk])
