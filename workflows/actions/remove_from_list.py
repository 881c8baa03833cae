"""Remove from static list: the enrolled record is no member any more (MKT-04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.lists import members
from records.models import RecordList
from workflows.actions.add_to_list import ListAction
from workflows.registries import actions
from workflows.step_forms.list_field import list_named
from workflows.step_forms.params import StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class RemoveFromList(ListAction):
    slug = "remove_from_list"
    label = gettext_lazy("Remove from static list")
    description = gettext_lazy("Take the record out of a static list.")
    icon = "circle-x"

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name = list_named(document)
        return _("Remove from the list “%(list)s”") % {"list": name} if name else _("Choose a list to remove from")

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        found: RecordList = params["list"]
        left = set(members.remove(found, batch.ids, now=batch.now).ids)
        batch.done(list=found.slug, name=found.name)
        others = [one for one in batch.enrollments if one.record_id not in left]
        batch.skip(others, "not_in_list", list=found.slug, name=found.name)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return format_html(_("Removed from the list “{list}”"), list=detail.get("name") or detail.get("list") or "–")
