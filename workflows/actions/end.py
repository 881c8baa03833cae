"""End: the path stops here and the record has completed the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.actions.base import Action
from workflows.registries import actions
from workflows.step_forms.params import StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class End(Action):
    slug = "end"
    label = gettext_lazy("End")
    description = gettext_lazy("The record leaves the workflow here.")
    group = gettext_lazy("Flow")
    icon = "flag"
    flow = True

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        return _("End of the workflow")

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        batch.end()

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return _("Reached the end of its path")
