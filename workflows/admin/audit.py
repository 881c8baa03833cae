"""The audit log: who did what to a workflow."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from workflows.admin.reading import ReadOnlyAdmin
from workflows.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "who", "workflow", "what", "facts")
    list_display_links = None
    list_filter = ("action", "at")
    search_fields = ("workflow__name", "user__username")
    list_select_related = ("workflow", "user")
    show_full_result_count = False
    list_per_page = 50

    @admin.display(description=_("user"))
    def who(self, entry: AuditEntry) -> str:
        return str(entry.user) if entry.user else str(_("the system"))

    @admin.display(description=_("action"))
    def what(self, entry: AuditEntry) -> str:
        return entry.action.replace("_", " ").capitalize()

    @admin.display(description=_("details"))
    def facts(self, entry: AuditEntry) -> str:
        told = (f"{name.replace('_', ' ')}: {value}" for name, value in entry.detail.items())
        return ", ".join(told) or "–"
