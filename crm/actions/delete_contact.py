"""Delete contact: the enrolled contact goes, and can be brought back (CRM-19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.problems import Problem
from records.saving import erasing
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.params import StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class DeleteContact(Action):
    slug = "delete_contact"
    label = gettext_lazy("Delete contact")
    description = gettext_lazy("Delete the contact; it can be restored for some time.")
    group = gettext_lazy("Records")
    icon = "trash"
    object_types = ("contact",)

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        """A warning where steps follow: nothing is done for a contact that is gone."""
        found = [*super().problems(document, context), *not_allowed(context.user, "delete", context.object_type)]
        if context.step is not None and context.definition.next_after(context.step.id):
            message = _("The contact is deleted here, so the steps after this one are never done. Move it to the end.")
            found.append(Problem("", message, severity="warning", code="never_reached"))
        return found

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        return _("Delete the contact")

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """One statement; the way of a contact ends with it."""
        batch.records().update(deleted_at=batch.now)
        batch.end()

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        message = ngettext(
            "Deleted the contact: it can be restored for %(days)d day, on its page or under the filter “deleted”",
            "Deleted the contact: it can be restored for %(days)d days, on its page or under the filter “deleted”",
            erasing.days(),
        )
        return message % {"days": erasing.days()}
