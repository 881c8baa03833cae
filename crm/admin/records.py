"""What the admins of all object types have in common: form, soft delete, record page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import csrf_protect_m
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from crm.admin import activities, associating, enrolling, timeline, trash
from crm.admin.forms import RecordForm, kept_values, may_save
from crm.admin.record_list import RecordListAdmin
from records.saving import delete_records


class RecordAdmin(RecordListAdmin):
    """Records of one object type: the list, and a page for each."""

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, self.opts.model_name
        own = [
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

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record page is the history."""
        return redirect(self.url_of(self.number(object_id)))
