"""Go to workflow: the record is enrolled in another workflow, too (GTO-01 to GTO-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.actions.base import Action
from workflows.definitions.other_workflows import WorkflowField, is_id, linked, name_of
from workflows.enrollment import enrolling
from workflows.models import Workflow
from workflows.registries import actions
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing

TARGET_GONE = "target_gone"
#: Why the other workflow did not take a record in, by "target_" and the code of the refusal.
REFUSED: dict[str, Promise] = {
    TARGET_GONE: gettext_lazy("The workflow {workflow} no longer exists, so the record was not enrolled there."),
    "target_workflow_off": gettext_lazy("{workflow} was turned off, so the record was not enrolled there."),
    "target_not_published": gettext_lazy("{workflow} was never published, so the record was not enrolled there."),
    "target_other_type": gettext_lazy("{workflow} is for other records, so the record was not enrolled there."),
    "target_already_enrolled": gettext_lazy(
        "The record was already enrolled in {workflow}, so it was not enrolled there a second time."
    ),
    "target_enrolled_before": gettext_lazy(
        "The record had been enrolled in {workflow} before, and re-enrollment is off there."
    ),
    "target_record_deleted": gettext_lazy("The record had been deleted, so it was not enrolled in {workflow}."),
    "target_no_centre_date": gettext_lazy(
        "The record has no date around which {workflow} is timed, so it was not enrolled there."
    ),
    "target_not_matching": gettext_lazy(
        "The record did not meet the criteria of {workflow}, which keeps only those that do."
    ),
    "target_on_suppression_list": gettext_lazy(
        "The record was found in a suppression list of {workflow}, so it was not enrolled there."
    ),
    "target_meets_unenrollment": gettext_lazy(
        "The record met the unenrollment criteria of {workflow}, so it was not enrolled there."
    ),
    "target_goal_already_met": gettext_lazy(
        "The record had met the goal of {workflow} already, so it was not enrolled there."
    ),
    "target_loop": gettext_lazy(
        "Workflows had enrolled in each other too many times in a row, so the record was not enrolled in {workflow}."
    ),
}


@actions.register
class GoToWorkflow(Action):
    slug = "go_to_workflow"
    label = gettext_lazy("Enroll in another workflow")
    description = gettext_lazy("The record enters another workflow, and goes on in this one as well.")
    group = gettext_lazy("Flow")
    icon = "workflow"

    class Params(ParamsForm):
        workflow = WorkflowField(
            label=gettext_lazy("Workflow"),
            help_text=gettext_lazy("Workflows for the same records that are turned on can be chosen."),
        )

    def params(self, document: dict[str, Any], context: StepContext) -> dict[str, Any]:
        """Whether the other workflow is still there and on is asked when the records are handed over."""
        return {"workflow": target_id(document)}

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        if not document.get("workflow"):
            return _("Choose the workflow to enroll in")
        name = name_of(document["workflow"], context)
        return _("Enroll in “%(name)s”") % {"name": name} if name else _("Enroll in a workflow that does not exist")

    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        target = open_target(batch, params["workflow"], batch.object_type.slug)
        if target is None:
            return
        causes = {standing.record_id: cause_of(batch, standing) for standing in batch.enrollments}
        found = enrolling.enroll(
            target, batch.ids, cause={"kind": "workflow"}, causes=causes, now=batch.now, manual=True
        )
        facts: dict[str, Any] = {"workflow": target.pk, "name": target.name}
        batch.done(None, **facts)
        for reason in sorted(set(found.refused.values())):
            refused = [one for one in batch.enrollments if found.refused.get(one.record_id) == reason]
            batch.fail(refused, f"target_{reason}", **facts)

    def tell(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return refusal_told(detail) or super().tell(detail, outcome, context)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        return format_html(_("Enrolled the record in {workflow}"), workflow=target_link(detail))


def target_id(document: dict[str, Any]) -> int:
    """The id of the workflow a document names. Raises ValueError when it names none."""
    value = document.get("workflow")
    if not is_id(value):
        raise ValueError(_("“%(value)s” is no workflow. Choose one.") % {"value": value or ""})
    return int(str(value))


def open_target(batch: Batch, pk: int, object_type: str) -> Workflow | None:
    """The workflow to enroll in; None, and everybody is answered, when there is none of the object type."""
    target = Workflow.objects.filter(pk=pk).first()
    facts: dict[str, Any] = {"workflow": pk, "name": target.name if target else str(pk)}
    if target is None or target.deleted_at is not None:
        batch.fail(None, TARGET_GONE, **facts)
    elif target.object_type != object_type:
        batch.fail(None, "target_other_type", **facts)
    else:
        return target
    return None


def cause_of(batch: Batch, standing: Standing) -> dict[str, Any]:
    """What an enrollment elsewhere remembers of this one: the chain is one workflow longer (decision 14)."""
    cause = standing.cause
    return {
        "kind": "workflow",
        "workflow": batch.workflow.pk,
        "enrollment": standing.id,
        "depth": int(cause.get("depth") or 0) + 1,
        "chain": [*(cause.get("chain") or ()), batch.workflow.pk],
    }


def target_link(detail: dict[str, Any]) -> str:
    return linked(detail.get("workflow"), _("“%(name)s”") % {"name": detail.get("name", "")})


def refusal_told(detail: dict[str, Any]) -> str:
    """The sentence of a refusal, "" for any other reason."""
    sentence = REFUSED.get(str(detail.get("reason", "")))
    return format_html(str(sentence), workflow=target_link(detail)) if sentence else ""
