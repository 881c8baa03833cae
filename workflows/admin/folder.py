"""Folders of workflows: named, renamed, and deleted without the workflows in them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from records.clock import database_now
from records.ids import id_of
from workflows.lifecycle import cataloguing
from workflows.models import Folder, Workflow


@admin.register(Folder)
class FolderAdmin(admin.ModelAdmin):
    search_fields = ("name",)
    delete_confirmation_template = "admin/workflows/folder/delete_confirmation.html"

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        inside = Workflow.objects.filter(folder=id_of(object_id) or 0, deleted_at=None).count()
        message = ngettext(
            "%(count)s workflow is in it. It stays, in no folder.", "%(count)s workflows are in it. They stay, in no "
            "folder.", inside,
        )  # fmt: skip
        told = message % {"count": f"{inside:,}"} if inside else ""
        return super().delete_view(request, object_id, (extra_context or {}) | {"inside": told})

    def delete_model(self, request: HttpRequest, obj: Folder) -> None:
        cataloguing.remove_folder(obj, by=request.user, now=database_now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Folder]) -> None:
        for folder in queryset:
            cataloguing.remove_folder(folder, by=request.user, now=database_now())
