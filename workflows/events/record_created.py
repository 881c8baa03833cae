"""The record is created (EVT-02)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from workflows.events.base import Wait, Want
from workflows.events.journal import CREATED, Happened, JournalEvent, source_of
from workflows.registries import events
from workflows.step_forms.params import StepContext


@events.register
class RecordCreated(JournalEvent):
    """Nothing to wait for: the record that would wait is there already. Restoring a deleted one is not creating it."""

    slug = "record_created"
    label = gettext_lazy("The record is created")
    kinds = ("created",)
    waited = False

    def want(self, params: dict[str, Any], context: StepContext) -> Want:
        return Want(source_of(context.object_type.slug), "", {})

    def detail(self, params: dict[str, Any]) -> str:
        return CREATED

    def fits(self, wait: Wait, change: Happened) -> bool:
        return "deleted_at" not in change.before
