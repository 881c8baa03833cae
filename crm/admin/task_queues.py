"""The page about task queues."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy, ngettext

from crm.admin.kept_in_use import KeptInUseAdmin
from crm.admin.lasting_slug import LastingSlugAdmin
from crm.models import TaskQueue
from records.object_types import object_types


@admin.register(TaskQueue)
class TaskQueueAdmin(LastingSlugAdmin, KeptInUseAdmin):
    """A queue with tasks in it stays, and so does its internal name."""

    thing = "queue"
    list_display = ("name", "slug", "open_tasks")
    search_fields = ("name",)

    def why_kept(self, obj: Any) -> str:
        count = tasks_in(obj).count()
        message = ngettext(
            "%(count)d task is in this queue, so it cannot be deleted.",
            "%(count)d tasks are in this queue, so it cannot be deleted.",
            count,
        )
        return message % {"count": count} if count else ""

    @admin.display(description=gettext_lazy("open tasks"))
    def open_tasks(self, queue: TaskQueue) -> int:
        return tasks_in(queue).filter(status="open").count()


def tasks_in(queue: TaskQueue) -> Any:
    """The living tasks in a queue."""
    return object_types["task"].records().filter(queue=queue.slug)
