"""The audit log: who did what to a workflow, with filters, and as a file."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows.admin.reading import ReadOnlyAdmin
from workflows.history import auditing
from workflows.models import AuditEntry
from workflows.rights.opening import openable

#: Changes a row shows; the file has all that are kept.
SHOWN = 5


class ActionFilter(admin.SimpleListFilter):
    title, parameter_name = _("action"), "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(auditing.ACTIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    change_list_template = "admin/workflows/auditentry/list.html"
    list_display = fields = ("at", "who", "workflow", "what", "facts")
    list_display_links = None
    list_filter = (ActionFilter, "at", ("user", admin.RelatedOnlyFieldListFilter))
    search_fields = ("workflow__name", "user__username", f"detail__{auditing.GONE}")
    list_select_related = ("workflow", "user")
    show_full_result_count = False
    list_per_page = 50

    def get_urls(self) -> list[URLPattern]:
        export = path("export.csv", self.admin_site.admin_view(self.export_view), name="workflows_auditentry_export")
        return [export, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return openable(super().get_queryset(request), request.user, "workflow")

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The log as it is filtered; the mark at its beginning lets spreadsheets see that it is UTF-8."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            # A filter there is not: the list says so, as Django's own does.
            return redirect(f"{reverse('admin:workflows_auditentry_changelist')}?{ERROR_FLAG}=1")
        content = chain("\ufeff", auditing.audit_file(found))
        response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
        return response

    @admin.display(description=_("user"))
    def who(self, entry: AuditEntry) -> str:
        return auditing.who_of(entry)

    @admin.display(description=_("action"))
    def what(self, entry: AuditEntry) -> str:
        return auditing.action_of(entry)

    @admin.display(description=_("details"))
    def facts(self, entry: AuditEntry) -> SafeString:
        told = " ".join(auditing.sentences_of(entry.detail))
        changes = auditing.changes_of(entry)
        if not changes:
            return format_html("{}", told or "–")
        rows = format_html_join("", "<li><b>{}</b>: <del>{}</del> → <ins>{}</ins></li>", changes[:SHOWN])
        more = gettext("%(count)d more are in the file.") % {"count": len(changes) - SHOWN}
        return format_html('{} <ul class="audit-changes">{}</ul>{}', told, rows, more if len(changes) > SHOWN else "")
