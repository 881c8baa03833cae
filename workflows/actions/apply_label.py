"""Apply association label: associated records get one more label (CRM-27)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.labelling import add_label
from records.object_types import object_types
from records.problems import Problem
from records.properties import Property
from workflows.actions.base import Action
from workflows.registries import actions
from workflows.rights.doing import not_allowed
from workflows.step_forms.links_form import NewLabelForm, answer, room_for
from workflows.step_forms.params import StepContext
from workflows.step_forms.targets import association_of, subject_of, targets_of

if TYPE_CHECKING:
    from workflows.engine.batch import Batch


class LabelAction(Action):
    """What the actions on labels have in common; who may change the record may label its associations."""

    group = gettext_lazy("Associations")
    icon = "tag"

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        return [*super().problems(document, context), *not_allowed(context.user, "change", context.object_type)]

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {"changed": Property("changed", gettext_lazy("Number of associations changed"), "number")}

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        return True


@actions.register
class ApplyLabel(LabelAction):
    slug = "apply_label"
    label = gettext_lazy("Apply association label")
    description = gettext_lazy("Label records that are associated with the record.")

    class Params(NewLabelForm):
        pass

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        label = document.get("new_label")
        if association_of(document, context) is None or not label:
            return _("Choose associated records and a label for them")
        return _("Label the associated %(records)s “%(label)s”") % facts_of(document, context, label)

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        targets, label = targets_of(batch, params), params["new_label"]
        pairs = room_for(batch, targets, label)
        answer(
            batch, targets, add_label(batch.object_type, targets.object_type, pairs, label), "same_label", label=label
        )

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        count, records = counted(detail)
        sentence = ngettext(
            "Labelled {count} of the associated {records} “{label}”",
            "Labelled {count} of the associated {records} “{label}”",
            count,
        )
        return format_html(sentence, count=count, records=records, label=str(detail.get("label", "")))


def facts_of(document: dict[str, Any], context: StepContext, label: Any) -> dict[str, Any]:
    """What sentences about a document say: which records, with which label."""
    return {"records": subject_of(document, context).label_plural, "label": label, "old": document.get("label")}


def counted(detail: dict[str, Any]) -> tuple[int, str]:
    """How many records a line of the log is about, and what they are."""
    count, kind = detail.get("records"), object_types.get(str(detail.get("of", "")))
    return count if isinstance(count, int) else 0, str(kind.label_plural) if kind else _("records")
