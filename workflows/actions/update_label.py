"""Update association label: another label in the place of one, or beside it (CRM-28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.labelling import add_label, replace_label
from workflows.actions.apply_label import LabelAction, counted, facts_of
from workflows.registries import actions
from workflows.step_forms.forms import FlagField
from workflows.step_forms.links_form import NewLabelForm, answer, label_field, room_for
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import association_of, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


@actions.register
class UpdateLabel(LabelAction):
    slug = "update_label"
    label = gettext_lazy("Update association label")
    description = gettext_lazy("Put another label in the place of one, or beside it.")

    class Params(NewLabelForm):
        label = label_field(
            gettext_lazy("Label that is replaced"),
            required=False,
            help_text=gettext_lazy("Leave it out to replace whatever labels there are."),
        )
        new_label = label_field(gettext_lazy("New label"))
        keep = FlagField(label=gettext_lazy("Keep the old label beside the new one"))

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        label = document.get("new_label")
        if association_of(document, context) is None or not label:
            return _("Choose associated records and their new label")
        facts = facts_of(document, context, label)
        if document.get("keep"):
            sentence = _("Label the associated %(records)s “%(label)s” as well")
        elif facts["old"]:
            sentence = _("Replace the label “%(old)s” of associated %(records)s by “%(label)s”")
        else:
            sentence = _("Replace the labels of associated %(records)s by “%(label)s”")
        return sentence % facts

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """With an old label only associations that have it are meant."""
        targets, new, old = targets_of(batch, params), params["new_label"], params["label"] or None
        pairs = room_for(batch, targets, new)
        ends = (batch.object_type, targets.object_type)
        changed = add_label(*ends, pairs, new) if params["keep"] else replace_label(*ends, pairs, old, new)
        answer(
            batch, targets, changed, "same_label", label=new, **({"old": old} if old and not params["keep"] else {})
        )

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count, records = counted(detail)
        facts = {"count": count, "records": records, "label": str(detail.get("label", ""))}
        if old := detail.get("old"):
            sentence = ngettext(
                "Replaced the label “{old}” of {count} of the associated {records} by “{label}”",
                "Replaced the label “{old}” of {count} of the associated {records} by “{label}”",
                count,
            )
            return format_html(sentence, old=str(old), **facts)
        sentence = ngettext(
            "{count} of the associated {records} got the label “{label}”",
            "{count} of the associated {records} got the label “{label}”",
            count,
        )
        return format_html(sentence, **facts)
