"""Deleted workflows: listed when somebody asks for them, and put back (LIF-05)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.clock import database_now
from records.problems import DocumentError
from workflows.lifecycle import cataloguing
from workflows.models import Workflow


class DeletedFilter(admin.SimpleListFilter):
    """Those that are there, unless the deleted ones are asked for."""

    title = gettext_lazy("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", gettext_lazy("Deleted ones"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> QuerySet[Workflow]:
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class DeletedViews:
    """Mixed into the workflow's admin."""

    message_user: Any

    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Put a deleted workflow back on the list; it is off."""
        if not request.user.has_perm("workflows.delete_workflow"):
            raise PermissionDenied
        workflow = get_object_or_404(Workflow.objects.exclude(deleted_at=None), pk=pk)
        try:
            cataloguing.restore(workflow, by=request.user, now=database_now())
        except DocumentError as error:
            self.message_user(request, str(error.problems[0].message), messages.ERROR)
            return redirect("admin:workflows_workflow_changelist")
        message = _("“%(name)s” is back, and off. Who was inside has left and does not come back.")
        self.message_user(request, message % {"name": workflow.name}, messages.SUCCESS)
        return redirect("admin:workflows_workflow_changelist")


def restore_button(workflow: Workflow) -> SafeString:
    """The button of a deleted workflow's row; it sends the list's own form elsewhere."""
    url = reverse("admin:workflow_restore", args=[workflow.pk])
    return format_html('<button class="btn btn-small" formaction="{}" formnovalidate>{}</button>', url, _("Restore"))
