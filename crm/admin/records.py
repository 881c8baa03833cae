"""What the admins of all object types have in common: list, form, soft delete, record page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from crm.admin import activities, associating, columns, enrolling, seen, timeline, trash
from crm.admin.forms import RecordForm, kept_values, may_save
from crm.admin.merging_views import MergingAdmin
from crm.admin.paging import FirstPagePaginator, RecordChangeList
from records.problems import DocumentError
from records.saving import delete_records, restore_records
from workflows.models import MassEnrollment


class RecordAdmin(MergingAdmin):
    """Records of one object type."""

    change_list_template = "admin/crm/record_list.html"
    list_per_page = 50
    list_max_show_all = 200
    paginator = FirstPagePaginator
    show_full_result_count = False
    actions: tuple[str, ...] = (
        "enroll_selected", "add_to_list_selected", "delete_records_selected", "restore_selected",
    )  # fmt: skip
    select_filters: tuple[str, ...] = ()

    # The list

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

    # Actions

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

    # One record

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, self.opts.model_name
        own = [
            path("columns/", wrap(self.columns_view), name=f"crm_{name}_columns"),
            path("enroll/", wrap(require_POST(self.enroll_view)), name=f"crm_{name}_enroll"),
            path("<int:pk>/restore/", wrap(require_POST(self.restore_view)), name=f"crm_{name}_restore"),
            path("<int:pk>/timeline/", wrap(self.timeline_view), name=f"crm_{name}_timeline"),
            path("<int:pk>/add/<slug:kind>/", wrap(require_POST(self.activity_view)), name=f"crm_{name}_activity"),
            path("<int:pk>/find/<slug:other>/", wrap(self.find_view), name=f"crm_{name}_find"),
            path("<int:pk>/associate/", wrap(require_POST(self.associate_view)), name=f"crm_{name}_associate"),
            path("<int:pk>/dissociate/", wrap(require_POST(self.dissociate_view)), name=f"crm_{name}_dissociate"),
        ]
        return own + super().get_urls()

    def record(self, request: HttpRequest, pk: int, verb: str = "view") -> Any:
        """The record, when the person may view (change, delete) it."""
        record = self.model._default_manager.filter(pk=pk).first()
        if record is None:
            raise Http404(_("There is no such record."))
        if not getattr(self, f"has_{verb}_permission")(request, record):
            raise PermissionDenied
        return record

    def number(self, object_id: str) -> int:
        """The id in an address of Django's own making. Raises Http404 when it is none."""
        try:
            return int(unquote(object_id))
        except ValueError:
            raise Http404(_("There is no such record.")) from None

    def url_of(self, pk: int) -> str:
        return reverse(f"admin:crm_{self.opts.model_name}_change", args=[pk])

    @csrf_protect_m
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Add a record, or show and change one."""
        pk = self.number(object_id) if object_id else None
        record = self.record(request, pk) if pk else None
        allowed = may_save(request.user, self.object_type, record) and not getattr(record, "deleted_at", None)
        if not allowed and (record is None or request.method == "POST"):
            raise PermissionDenied
        initial = {} if record else {"owner": request.user.pk}
        kind = self.object_type
        form = RecordForm(request.POST or None, object_type=kind, user=request.user, record=record, initial=initial)
        if request.method == "POST" and form.is_valid():
            saved = form.save(request.user)
            if saved is not None:
                self.announce(request, saved.status)
                return redirect(self.url_of(saved.id or 0))
        if record is not None and allowed is False and (gone := self.gone_into(request, record)):
            return gone
        if record is None:
            title = _("Add %(type)s") % {"type": self.object_type.label}
            return self.page(request, "admin/crm/record_add.html", {"title": title, "form": form})
        return self.page(request, "admin/crm/record_page.html", self.facts(request, record, form, allowed))

    def announce(self, request: HttpRequest, status: str) -> None:
        told = {"created": _("Created."), "updated": _("Saved."), "unchanged": _("Nothing was changed.")}
        messages.success(request, told[status])

    def facts(self, request: HttpRequest, record: Any, form: RecordForm, allowed: bool) -> dict[str, Any]:
        """What the record page shows."""
        return {
            "title": self.object_type.name_of(record),
            "record": record,
            "form": form,
            "kept": kept_values(self.object_type, record, request.user),
            "may_change": allowed,
            "may_delete": self.has_delete_permission(request, record),
            "may_merge": self.may_merge(request, record),
            "associations": associating.panels(self.object_type, record.pk, request.user),
            "enrollments": enrolling.enrollments_of(self.object_type, record.pk, request.user),
            "workflows": (
                enrolling.workflows_for(self.object_type, request.user) if self.has_enroll_permission(request) else []
            ),
            "quick_forms": activities.quick_forms(self.object_type, request.user),
            "timeline": timeline.page_of(self.object_type, record.pk, request.user),
            "prefix": f"admin:crm_{self.opts.model_name}",
            "erased_on": trash.erased_on(record),
        }

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Delete one record, restorably; GET asks first."""
        record = self.record(request, self.number(object_id), "delete")
        if request.method == "POST":
            delete_records(self.object_type, [record.pk], actor=request.user)
            messages.success(request, trash.told())
            return redirect(self.url_of(record.pk))
        title = _("Delete %(name)s?") % {"name": self.object_type.name_of(record)}
        return self.page(request, "admin/crm/record_delete.html", {"title": title, "record": record})

    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.restore(request, [self.record(request, pk, "delete").pk])
        return redirect(self.url_of(pk))

    def timeline_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The next lines of the timeline: a fragment."""
        record = self.record(request, pk)
        shown = timeline.page_of(self.object_type, record.pk, request.user, request.GET.get("before", ""))
        context = {"timeline": shown, "record": record, "prefix": f"admin:crm_{self.opts.model_name}"}
        return self.page(request, "admin/crm/timeline.html", context)

    def activity_view(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """Add an activity of one kind to the record."""
        record = self.record(request, pk)
        if kind not in activities.FORMS:
            raise Http404(_("There is no such activity."))
        activities.add(activities.FORMS[kind](request.POST), self.object_type, record.pk, request)
        return redirect(self.url_of(pk))

    def find_view(self, request: HttpRequest, pk: int, other: str) -> HttpResponse:
        """Records that could be associated: a fragment."""
        record = self.record(request, pk, "change")
        found = associating.find(self.object_type, record.pk, other, request.GET.get("q", ""), request.user)
        context = {"found": found, "record": record, "other": other, "prefix": f"admin:crm_{self.opts.model_name}"}
        return self.page(request, "admin/crm/association_results.html", context)

    def associate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        record = self.record(request, pk, "change")
        associating.change(self.object_type, record.pk, request, remove=False)
        return redirect(self.url_of(pk))

    def dissociate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        record = self.record(request, pk, "change")
        associating.change(self.object_type, record.pk, request, remove=True)
        return redirect(self.url_of(pk))

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

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record page is the history."""
        return redirect(self.url_of(self.number(object_id)))
