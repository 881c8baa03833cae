"""Other workflows as steps speak of them: what may be chosen, by which name, and where a link leads."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from records.ids import id_of
from records.models import Access
from workflows.models import Workflow
from workflows.rights.opening import closed_name, levels, unnamed
from workflows.step_forms.greyed_field import GreyedChoiceField
from workflows.step_forms.params import StepContext


def of_type(object_type: str, context: StepContext) -> dict[str, Workflow]:
    """The workflows of an object type that are not deleted, by id as documents have it; read once per context."""
    known = context.shared.setdefault("workflows", {})
    if object_type not in known:
        rows = Workflow.objects.filter(object_type=object_type, deleted_at=None).order_by("name", "pk")
        known[object_type] = {str(row.pk): row for row in rows.only("name", "status", "live_id", "object_type")}
    return known[object_type]


def levels_in(context: StepContext) -> dict[int, Access]:
    """The workflows the person whose form it is may not change, with what they may; read once per context."""
    if "workflow_levels" not in context.shared:
        context.shared["workflow_levels"] = levels(context.user)
    return context.shared["workflow_levels"]


def name_of(workflow: Any, context: StepContext) -> str:
    """The name of the workflow with an id; "" when there is none. All that a definition names are read at once."""
    if "workflow_names" not in context.shared:
        named = {str(step.params.get("workflow", "")) for step in context.definition.by_id.values()}
        rows = Workflow.objects.filter(pk__in=[text for text in named if is_id(text)], deleted_at=None)
        names = dict(rows.values_list("pk", "name"))
        context.shared["workflow_names"] = {str(pk): name for pk, name in (names | unnamed(names)).items()}
    return context.shared["workflow_names"].get(str(workflow), "")


def is_id(value: Any) -> bool:
    return id_of(str(value)) is not None


def linked(workflow: Any, name: str) -> SafeString:
    """A workflow's name as a link to its page; only the name once it is deleted, and not even that if it is closed."""
    if is_id(workflow) and (closed := closed_name(int(workflow))):
        return format_html("{}", closed)
    known = is_id(workflow) and Workflow.objects.filter(pk=int(workflow), deleted_at=None).exists()
    try:
        url = reverse("admin:workflow_editor", args=[int(workflow)]) if known else ""
    except NoReverseMatch:
        url = ""
    return format_html('<a href="{}">{}</a>', url, name) if url else format_html("{}", name)


def enrolled_by_workflow(pk: Any) -> SafeString:
    """Which workflow enrolled it, also when that is gone."""
    workflow = Workflow.objects.filter(pk=pk).first() if pk else None
    if workflow is None:
        return escape(_("Another workflow enrolled it."))
    return format_html(_("The workflow {workflow} enrolled it."), workflow=linked(pk, f"“{workflow.name}”"))


def taken_out_by(pk: Any) -> SafeString | None:
    """Which workflow took a record out by enrolling it (UNE-07); None when that is gone."""
    workflow = Workflow.objects.filter(pk=pk).first()
    if workflow is None:
        return None
    name = linked(pk, _("“%(name)s”") % {"name": workflow.name})
    return format_html(_("It was enrolled in {workflow}, which takes records out of this workflow."), workflow=name)


def took_out(cause: dict[str, Any]) -> SafeString:
    """Which workflows a record left because it was enrolled, as a sentence to go on with; "" for none."""
    ids = [pk for pk in cause.get("took_out") or () if is_id(pk)]
    names = dict(Workflow.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
    if not names:
        return mark_safe("")
    listed = format_html_join(", ", "{}", ((linked(pk, f"“{name}”"),) for pk, name in sorted(names.items())))
    return format_html(_(" That took it out of {workflows}."), workflows=listed)


def closed_for(workflow: Workflow) -> str:
    """Why a workflow cannot be chosen now; "" when records may enter it."""
    if workflow.live_id is None:
        return _("never published")
    return "" if workflow.status in Workflow.OPEN else _("turned off")


class WorkflowField(GreyedChoiceField):
    """A workflow of one object type, by its id as a text; those that are off are greyed out (GTO-01).

    So are those the person may only read; those that are closed to them are not named (PRM-09).

    The object type is the step's own (GTO-02), unless the form gives another one by `offer_type`.
    """

    #: What the value names (workflows.dependencies).
    names = "workflow"

    def use_context(self, context: StepContext) -> None:
        self.offer_type(context.object_type.slug, context)

    def offer_type(self, object_type: str, context: StepContext) -> None:
        """Offer the workflows of an object type; "" for none."""
        found, barred = of_type(object_type, context) if object_type else {}, levels_in(context)
        self.known = {pk: one for pk, one in found.items() if barred.get(one.pk) != Access.NONE}
        reasons = {
            pk: _("you may only read it") if workflow.pk in barred else closed_for(workflow)
            for pk, workflow in self.known.items()
        }
        if str(context.workflow) in self.known:
            reasons[str(context.workflow)] = _("this workflow itself")
        names = [(pk, workflow.name) for pk, workflow in self.known.items()]
        self.offer(
            lambda: names,
            {pk: reason for pk, reason in reasons.items() if reason},
        )

    def validate(self, value: Any) -> None:
        if value and value not in self.known:
            named = [pk for pk, workflow in self.known.items() if workflow.name == value]
            # A name may be changed, or given to others: what enrolls records later has to know which one was meant.
            if named:
                message = _("“%(name)s” is the name of a workflow. Give its id instead: %(ids)s.")
                raise ValidationError(message % {"name": value, "ids": _(" or ").join(named)})
            message = _("There is no workflow “%(value)s” for these records (any more). Choose another one.")
            raise ValidationError(message % {"value": value})
        super().validate(value)

    def schema(self) -> dict[str, Any]:
        return super().schema() | {"x-workflow": True}
