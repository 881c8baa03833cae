"""A task of the record is completed (DLY-05)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from crm.models import Task
from records.associations import associations_of
from records.object_types import ObjectType
from workflows.events.base import Wait, Want
from workflows.events.journal import Happened, JournalEvent, source_of
from workflows.registries import events
from workflows.step_forms.params import StepContext


@events.register
class TaskCompleted(JournalEvent):
    slug = "task_completed"
    label = gettext_lazy("A task of the record is completed")
    category = gettext_lazy("Tasks")

    def offered(self, object_type: ObjectType) -> bool:
        return "task" in associations_of(object_type)

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        return {"task.status"}

    def want(self, params: dict[str, Any], context: StepContext) -> Want:
        return Want(source_of("task"), "task", {})

    def detail(self, params: dict[str, Any]) -> str:
        return "status"

    def fits(self, wait: Wait, change: Happened) -> bool:
        return change.after.get("status") == Task.Status.DONE
