"""Add to static list: the enrolled record becomes a member (MKT-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.lists import members
from records.lists.telling import key_of
from records.models import RecordList
from records.problems import Problem
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.list_field import StaticListField, list_named
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class ListAction(Action):
    """What adding to a list and removing from one have in common."""

    group = gettext_lazy("Marketing")
    edits_enrolled = True

    class Params(ParamsForm):
        list = StaticListField(label=gettext_lazy("List"), choices=[])

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "change", RecordList, "list")]

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        """Being in the list, which is followed like a property."""
        slug = document.get("list")
        return {f"{context.object_type.slug}.{key_of(slug)}"} if isinstance(slug, str) and slug else set()


@actions.register
class AddToList(ListAction):
    slug = "add_to_list"
    label = gettext_lazy("Add to static list")
    description = gettext_lazy("Make the record a member of a static list.")
    icon = "list"

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        name = list_named(document)
        return _("Add to the list “%(list)s”") % {"list": name} if name else _("Choose a list to add to")

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        found: RecordList = params["list"]
        joined = set(members.add(found, batch.ids, now=batch.now).ids)
        batch.done(list=found.slug, name=found.name)
        there = [one for one in batch.enrollments if one.record_id not in joined]
        batch.skip(there, "in_list", list=found.slug, name=found.name)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return format_html(_("Added to the list “{list}”"), list=detail.get("name") or detail.get("list") or "–")
