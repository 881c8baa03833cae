"""For each associated record: each enters a workflow for records of its own type (CPL-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from records.associations import AssociationType, associations_of
from records.object_types import ObjectType
from records.properties import Property
from workflows.actions.base import Action
from workflows.actions.go_to_workflow import cause_of, open_target, refusal_told, target_id, target_link
from workflows.definitions.other_workflows import WorkflowField, name_of
from workflows.enrollment.spreading import LIMIT, Spread, enroll_associated
from workflows.registries import actions
from workflows.step_forms.forms import ChoiceField, NumberField, TextField
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

USUAL = 100


def label_of(association: AssociationType) -> str:
    """An association by what it leads to; a native relation also by its own name."""
    records = capfirst(str(association.to.label_plural))
    return f"{records} ({association.slug})" if association.relation else records


def named(document: dict[str, Any], object_type: ObjectType) -> AssociationType | None:
    slug = document.get("association")
    return associations_of(object_type).get(slug) if isinstance(slug, str) else None


@actions.register
class ForEachAssociated(Action):
    slug = "for_each_associated"
    label = gettext_lazy("For each associated record")
    description = gettext_lazy("Enroll the associated records, each on its own, in a workflow for them.")
    group = gettext_lazy("Flow")
    icon = "layers"

    class Params(ParamsForm):
        association = ChoiceField(label=gettext_lazy("Associated records"))
        label = TextField(
            label=gettext_lazy("Only links with this label"),
            required=False,
            max_length=100,
            help_text=gettext_lazy("Leave it out for all links."),
        )
        workflow = WorkflowField(
            label=gettext_lazy("Enroll each in"),
            help_text=gettext_lazy("Workflows for the associated records that are turned on can be chosen."),
        )
        limit = NumberField(
            label=gettext_lazy("How many at most, for one record"),
            required=False,
            min_value=1,
            max_value=LIMIT,
            decimal_places=0,
            help_text=gettext_lazy("The first ones by their id. 100 if you leave it out, 1,000 at most."),
        )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            found = associations_of(self.context.object_type)
            choices, workflows = self.fields["association"], self.fields["workflow"]
            assert isinstance(choices, ChoiceField) and isinstance(workflows, WorkflowField)
            choices.choices = [("", "—"), *((slug, label_of(one)) for slug, one in found.items())]
            choices.widget.attrs["data-refresh"] = "panel"
            association = named({"association": self.raw("association")}, self.context.object_type)
            workflows.offer_type(association.to.slug if association else "", self.context)

        def clean_label(self) -> str:
            association = named(self.cleaned_data, self.context.object_type)
            label = self.cleaned_data["label"] or ""
            if label and association and association.relation:
                self.add_error("label", _("Links of this kind have no labels. Leave the label out."))
            return label

    def params(self, document: dict[str, Any], context: StepContext) -> dict[str, Any]:
        """Whether the other workflow is still there and on is asked when the records are handed over."""
        association = named(document, context.object_type)
        if association is None:
            message = _("There is no association “%(value)s” (any more). Choose another one.")
            raise ValueError(message % {"value": document.get("association", "")})
        return {
            "association": association,
            "label": document.get("label") or None,
            "workflow": target_id(document),
            "limit": min(int(document.get("limit") or USUAL), LIMIT),
        }

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        association = named(document, context.object_type)
        if association is None:
            return _("Choose the associated records")
        facts = {"records": association.to.label_plural, "workflow": name_of(document.get("workflow"), context)}
        if not facts["workflow"]:
            return _("Choose the workflow to enroll %(records)s in") % facts
        return _("Enroll the associated %(records)s in “%(workflow)s”") % facts

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        return {
            "enrolled": Property("enrolled", gettext_lazy("Number of records enrolled"), "number"),
            "refused": Property("refused", gettext_lazy("Number of records not enrolled"), "number"),
        }

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        association = params["association"]
        target = open_target(batch, params["workflow"], association.to.slug)
        if target is None:
            return
        found = enroll_associated(
            target,
            batch.object_type,
            association,
            {standing.record_id: cause_of(batch, standing) for standing in batch.enrollments},
            label=params["label"],
            limit=params["limit"],
            now=batch.now,
        )
        facts: dict[str, Any] = {"workflow": target.pk, "name": target.name}
        if isinstance(found, str):
            batch.fail(None, f"target_{found}", **facts)
            return
        for standing in batch.enrollments:
            spread = found.get(standing.id, Spread())
            counts = {"enrolled": spread.enrolled, "refused": spread.refused, "left_out": spread.left_out}
            if not spread.enrolled:
                reason = "target_none_enrolled" if spread.refused else "target_none_linked"
                batch.skip(standing, reason, **facts, **counts)
            else:
                batch.done(standing, **facts, **counts)
            batch.output(standing, enrolled=spread.enrolled, refused=spread.refused)

    def tell(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return refusal_told(detail) or super().tell(detail, outcome, context)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        enrolled, refused, left_out = (count_of(detail, name) for name in ("enrolled", "refused", "left_out"))
        sentence = ngettext(
            "Enrolled {count} associated record in {workflow}", "Enrolled {count} associated records in {workflow}",
            enrolled,
        )  # fmt: skip
        parts = [format_html(sentence, count=enrolled, workflow=target_link(detail))]
        if refused:
            more = ngettext("{count} was not taken in", "{count} were not taken in", refused)
            parts.append(format_html(more, count=refused))
        if left_out:
            more = ngettext("{count} was above the limit", "{count} were above the limit", left_out)
            parts.append(format_html(more, count=left_out))
        return format_html_join("; ", "{}", ((part,) for part in parts))


def count_of(detail: dict[str, Any], name: str) -> int:
    value = detail.get(name)
    return value if isinstance(value, int) else 0
