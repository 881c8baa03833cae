"""Remove association label: the label goes, the association stays (CRM-29)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.labelling import replace_label
from workflows.actions.apply_label import LabelAction, counted, facts_of
from workflows.registries import actions
from workflows.step_forms.links_form import LinksForm, answer, label_field, pairs_of
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import association_of, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class RemoveLabel(LabelAction):
    slug = "remove_label"
    label = gettext_lazy("Remove association label")
    description = gettext_lazy("Clear labels of associations; the records stay associated.")

    class Params(LinksForm):
        label = label_field(
            gettext_lazy("Label that is removed"),
            required=False,
            help_text=gettext_lazy("Leave it out to remove whatever labels there are."),
        )

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        if association_of(document, context) is None:
            return _("Choose associated records whose labels are removed")
        facts = facts_of(document, context, None)
        if facts["old"]:
            return _("Remove the label “%(old)s” from associated %(records)s") % facts
        return _("Remove the labels of associated %(records)s") % facts

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        targets, old = targets_of(batch, params), params["label"] or None
        changed = replace_label(batch.object_type, targets.object_type, pairs_of(targets), old, "")
        answer(batch, targets, changed, "no_label", **({"old": old} if old else {}))

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count, records = counted(detail)
        if old := detail.get("old"):
            sentence = ngettext(
                "Removed the label “{old}” from {count} of the associated {records}",
                "Removed the label “{old}” from {count} of the associated {records}",
                count,
            )
            return format_html(sentence, old=str(old), count=count, records=records)
        sentence = ngettext(
            "Removed the labels of {count} of the associated {records}",
            "Removed the labels of {count} of the associated {records}",
            count,
        )
        return format_html(sentence, count=count, records=records)
