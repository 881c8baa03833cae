"""The page about task queues."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from crm.models import TaskQueue
from records.object_types import object_types


@admin.register(TaskQueue)
class TaskQueueAdmin(admin.ModelAdmin):
    """A queue with tasks in it stays, and so does its internal name."""

    list_display = ("name", "slug", "open_tasks")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else dict(self.prepopulated_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not tasks_in(obj).exists())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form says why a queue in use has no button to delete it."""
        ((name, facts),) = super().get_fieldsets(request, obj)
        count = tasks_in(obj).count() if obj else 0
        if count:
            message = ngettext(
                "%(count)d task is in this queue, so it cannot be deleted.",
                "%(count)d tasks are in this queue, so it cannot be deleted.",
                count,
            )
            facts = facts | {"description": message % {"count": count}}
        return [(name, facts)]

    @admin.display(description=gettext_lazy("open tasks"))
    def open_tasks(self, queue: TaskQueue) -> int:
        return tasks_in(queue).filter(status="open").count()


def tasks_in(queue: TaskQueue) -> Any:
    """The living tasks in a queue."""
    return object_types["task"].records().filter(queue=queue.slug)
