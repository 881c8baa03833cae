"""The history of one enrollment, as sentences a salesperson understands: why it began, what was done, why it ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.associations import associations_of, exists
from records.models import Change, ChangeKind
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.property_access import rights_of
from workflows.definitions.definition import Definition, Step
from workflows.definitions.other_workflows import enrolled_by_workflow, taken_out_by, took_out
from workflows.definitions.parsing import parse
from workflows.engine.failing import with_sequel
from workflows.enrollment.refusing import REFUSALS, because
from workflows.history.event_stories import event_sentence, told_event
from workflows.history.explanation import first_revision
from workflows.history.reasons import reason_sentence
from workflows.lifecycle.previewing import trigger_criteria
from workflows.models import Enrollment, Outcome, Revision, StepExecution
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext
from workflows.times.moments import shown_moment

#: Why an enrollment ended, by its `ended_reason`.
ENDINGS = {
    "completed": gettext_lazy("It went through every step."),
    "ended": gettext_lazy("It came to an End action."),
    "by_hand": gettext_lazy("Somebody took it out by hand."),
    "record_deleted": gettext_lazy("The record was deleted."),
    "workflow_deleted": gettext_lazy("The workflow was deleted."),
    "no_longer_matching": gettext_lazy("The record no longer met the criteria."),
    "goal_met": gettext_lazy("The record met the goal of the workflow."),
    "unenrollment_criteria": gettext_lazy("The record met the unenrollment criteria."),
    "suppressed": gettext_lazy("The record was found in a suppression list."),
    "enrolled_elsewhere": gettext_lazy("It was enrolled in another workflow, which takes records out of this one."),
    "merged": gettext_lazy("The record was merged into another one."),
    "failed": gettext_lazy("A step failed and said to stop here."),
    "step_gone": gettext_lazy("The step it stood on was removed from the workflow."),
    "step_removed": gettext_lazy("A new version of the workflow was published without the step it stood on."),
    "too_many_steps": gettext_lazy("It took too many steps, so it was stopped."),
    "unreadable": gettext_lazy("Its version of the workflow could not be read any more, so it was stopped."),
    "crashed": gettext_lazy("A step broke off three times without a result, so it was stopped."),
}
Status = Enrollment.Status
STATUS_LINE = {
    Status.COMPLETED: gettext_lazy("Completed."),
    Status.UNENROLLED: gettext_lazy("Left the workflow."),
    Status.FAILED: gettext_lazy("Stopped by an error."),
    Status.REFUSED: gettext_lazy("Was not enrolled."),
}


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened to an enrollment.

    `kind` is "enrolled", "step" or "ended"; `number` and `label` name the step, `sentence` is safe HTML.
    """

    kind: str
    at: dt.datetime
    outcome: str
    sentence: SafeString
    number: int | None = None
    label: str = ""
    icon: str = "zap"
    step: str = ""
    execution: StepExecution | None = None

    @property
    def outcome_label(self) -> str:
        return str(Outcome(self.outcome).label) if self.outcome in Outcome.values else ""


def path_of(enrollment: Enrollment, user: Any = None) -> list[HistoryLine]:
    """Everything that happened to an enrollment, as a user may read it, oldest first; few queries for any length."""
    return Path(enrollment, user).lines()


def ending(reason: str, cause: dict[str, Any] | None = None) -> str:
    """The sentence of an `ended_reason`, with what its `cause` names; an unknown code is shown as it is."""
    if reason in REFUSALS:
        return because(reason, cause)
    return str(ENDINGS.get(reason) or reason_sentence({"reason": reason})) if reason else ""


def definition_of(revision: Revision) -> Definition | None:
    """The parsed definition of a revision; None when it names actions or object types that are gone."""
    try:
        return parse(revision.definition)
    except DocumentError:
        return None


class Path:
    """An enrollment with what is needed to tell its story."""

    def __init__(self, enrollment: Enrollment, user: Any = None) -> None:
        self.enrollment, self.user = enrollment, user
        self.definitions = {enrollment.revision_id: definition_of(enrollment.revision)}

    @cached_property
    def object_type(self) -> ObjectType | None:
        return object_types.get(self.enrollment.workflow.object_type)

    @cached_property
    def executions(self) -> list[StepExecution]:
        found = list(self.enrollment.executions.order_by("at", "visit", "id"))
        unknown = {execution.revision_id for execution in found} - self.definitions.keys()
        for revision in Revision.objects.filter(pk__in=unknown):
            self.definitions[revision.pk] = definition_of(revision)
        return found

    def lines(self) -> list[HistoryLine]:
        lines = [self.beginning(), *map(self.step_line, self.executions)]
        return [*lines, self.end_line()] if self.enrollment.ended_at else lines

    def beginning(self) -> HistoryLine:
        refused = self.enrollment.status == Status.REFUSED
        return HistoryLine(
            kind="enrolled",
            at=self.enrollment.enrolled_at,
            outcome="skipped" if refused else "success",
            sentence=mark_safe(self.cause_sentence() + took_out(self.enrollment.cause)),
            label=_("Asked to enroll") if refused else _("Enrolled"),
            icon="log-out" if refused else "play",
        )

    def cause_sentence(self) -> SafeString:
        """Why it was enrolled: by whom, by which change, by which trigger."""
        cause = self.enrollment.cause
        if cause.get("kind") == "manual":
            return manual_sentence(cause)
        if cause.get("kind") == "workflow":
            return enrolled_by_workflow(cause.get("workflow"))
        if cause.get("kind") == "event":
            return event_sentence(cause, self.user)
        trigger = escape(self.trigger_sentence())
        if cause.get("kind") == "schedule":
            facts = {"moment": shown_moment(cause.get("at")), "trigger": trigger}
            return format_html(_("The schedule enrolled it on {moment}: {trigger}."), **facts)
        if cause.get("kind") == "existing":
            return format_html(_("It already matched when the workflow was published: {trigger}."), trigger=trigger)
        if cause.get("time"):
            return format_html(_("It started to match because time went by: {trigger}."), trigger=trigger)
        if "event_id" in cause:
            facts = {"trigger": trigger, "event": told_event(cause, self.user)}
            return format_html(_("It started to match: {trigger}. {event}."), **facts)
        changed = self.change_sentence(cause.get("change"))
        if not changed:
            return format_html(_("It started to match: {trigger}."), trigger=trigger)
        return format_html(_("It started to match: {trigger}. {change}."), trigger=trigger, change=changed)

    def trigger_sentence(self) -> str:
        """What it had to meet, as the workflow said when it was enrolled."""
        definition = definition_of(first_revision(self.enrollment))
        if definition is None:
            return _("the trigger of the workflow")
        compiled = trigger_criteria(definition, self.enrollment.enrolled_at)
        if compiled is None:
            return triggers[definition.trigger.kind].describe(definition.trigger.document, definition.object)
        return unwrapped(compiled.text)

    def change_sentence(self, change_id: int | None) -> SafeString | str:
        """The change that made it match: "Stage was Prospecting, now Engaging"."""
        change = Change.objects.filter(pk=change_id).first() if change_id else None
        if change is None or not self.concerns(change):
            return ""
        if change.kind == ChangeKind.CREATED:
            return escape(_("The record was created"))
        kind = object_types.get(change.object_type)
        if change.kind in (ChangeKind.ASSOCIATED, ChangeKind.DISSOCIATED) or kind is None:
            return escape(_("An association of it was made or removed"))
        properties = rights_of(self.user).seen(kind, kind.properties())
        told = [
            format_html(
                _("{property} was {before}, now {after}"),
                property=capfirst(str(properties[slug].label)),
                before=shown(properties[slug], change.before.get(slug)),
                after=shown(properties[slug], value),
            )
            for slug, value in change.after.items()
            if slug in properties and slug != "updated_at"
        ]
        return mark_safe("; ".join(told[:3]))

    def concerns(self, change: Change) -> bool:
        """Whether a change is of the enrolled record or of one associated with it; never tell of any other."""
        own, record_id = self.object_type, self.enrollment.record_id
        itself = (record_id, self.enrollment.entered_as)
        if own is None or (change.object_type == own.slug and change.record_id in itself):
            return own is not None
        leading = [slug for slug, one in associations_of(own).items() if one.to.slug == change.object_type]
        record = own.model._default_manager.filter(pk=record_id)
        return any(record.filter(exists(own, slug, Q(pk=change.record_id))).exists() for slug in leading)

    def step_line(self, execution: StepExecution) -> HistoryLine:
        definition = self.definitions.get(execution.revision_id)
        step = definition.by_id.get(execution.step) if definition else None
        action = actions.get(execution.action)
        return HistoryLine(
            kind="step",
            at=execution.at,
            outcome=execution.outcome,
            sentence=with_sequel(tell(execution, definition, step), execution.outcome, execution.detail),
            number=definition.number_of(step.id) if definition and step else None,
            label=str(action.label) if action else execution.action or _("Missing step"),
            icon=action.icon if action else "box",
            step=execution.step if step else "",
            execution=execution,
        )

    def end_line(self) -> HistoryLine:
        enrollment = self.enrollment
        assert enrollment.ended_at is not None
        status = Status(enrollment.status)
        reason = ending(enrollment.ended_reason, enrollment.cause)
        by = enrollment.cause.get("ended_by")
        user = get_user_model().objects.filter(pk=by).first() if by else None
        sentence = escape(reason)
        if user and enrollment.ended_reason == "by_hand":
            sentence = escape(_("%(user)s took it out by hand.") % {"user": user})
        if enrollment.ended_reason == "merged" and self.object_type is not None:
            record = self.object_type.model._default_manager.filter(pk=enrollment.record_id).first()
            if record is not None:
                name = self.object_type.name_of(record)
                sentence = escape(_("The record was merged into “%(record)s”.") % {"record": name})
        if elsewhere := enrollment.cause.get("ended_by_workflow"):
            sentence = taken_out_by(elsewhere) or sentence
        if (times := enrollment.cause.get("times", 1)) > 1:
            sentence = format_html(
                "{} {}", sentence, _("It happened %(times)d times; this was the last.") % {"times": times}
            )
        outcomes = {Status.COMPLETED: "success", Status.FAILED: "failed"}
        return HistoryLine(
            kind="ended",
            at=enrollment.ended_at,
            outcome=outcomes.get(status, "skipped"),
            sentence=sentence,
            label=str(STATUS_LINE.get(status, status.label)).rstrip("."),
            icon="check-circle" if status == Status.COMPLETED else "log-out",
        )


def unwrapped(text: str) -> str:
    """A criteria's sentence without the parentheses of its only group."""
    alone = text.startswith("(") and text.endswith(")") and text.count("(") == 1
    return text[1:-1] if alone else text


def manual_sentence(cause: dict[str, Any]) -> SafeString:
    actor = cause.get("actor")
    user = get_user_model().objects.filter(pk=actor).first() if actor else None
    told = _("{user} enrolled it by hand.") if user else _("It was enrolled by hand.")
    return format_html(told, user=str(user))


def tell(execution: StepExecution, definition: Definition | None, step: Step | None) -> SafeString:
    """The sentence of one step, even when its action or definition is gone."""
    action = actions.get(execution.action)
    if action is None and execution.detail.get("reason"):
        return mark_safe(reason_sentence(execution.detail))
    if action is None or definition is None:
        return escape(_("The action “%(action)s” is no longer installed.") % {"action": execution.action})
    context = StepContext(definition, step)
    return mark_safe(action.tell(execution.detail, execution.outcome, context))


def shown(prop: Any, stored: Any) -> str:
    """A stored value as a person reads it."""
    if stored in (None, "", []):
        return _("blank")
    try:
        return prop.display(prop.kind.from_storage(stored))
    except (ValueError, TypeError, LookupError):
        return str(stored)


def place_of(enrollment: Enrollment) -> tuple[int | None, str]:
    """Number and setting of the step an enrollment stands on; (None, "") when it has ended."""
    definition = definition_of(enrollment.revision) if enrollment.step else None
    step = definition.by_id.get(enrollment.step) if definition else None
    if definition is None or step is None:
        return None, enrollment.step
    sentence = actions[step.action].describe(step.params, StepContext(definition, step))
    return definition.number_of(step.id), sentence
