"""Explaining: why a record was enrolled, or why it is not, filter by filter (HIS-06, HIS-19)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from records.criteria import Compiled, LeafAnswer
from records.journal import changes_of, values_at
from records.models import Change, Membership
from records.object_types import ObjectType, object_types
from records.property_access import rights_of
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.enrollment import reenrolling
from workflows.enrollment.doors import REFUSALS, barred
from workflows.enrollment.refusing import because
from workflows.history.event_stories import told_event
from workflows.lifecycle.publishing import trigger_criteria
from workflows.models import Enrollment, Revision, Schedule, Subscription, Workflow
from workflows.schedules.scheduling import next_time
from workflows.schedules.words import shown_firing

INSIDE, WAS_INSIDE, OFF, UNPUBLISHED, NO_RECORD, NOT_MET, MANUAL_ONLY, EXISTING, PENDING, AWAITING = (
    "enrolled", "enrolled_before", "workflow_off", "not_published", "record_deleted", "criteria_not_met",
    "manual_only", "existing_not_enrolled", "about_to_enroll", "awaits_schedule",
)  # fmt: skip


@dataclass(frozen=True)
class LeafThenAndNow:
    """One filter: its answer and the property's value now, and when the record was enrolled (None if not known)."""

    path: str
    sentence: str
    met_now: bool | None
    value_now: str
    met_then: bool | None = None
    value_then: str | None = None


@dataclass(frozen=True)
class Explanation:
    """The answer to "why is this record in, or not in, this workflow?".

    `verdict` is a code, `sentences` say it to a person, the first being the answer. `leaves` are the filters of the
    trigger as they were published for `enrollment`, else as they are now. `change` is what made the record match.
    """

    verdict: str
    sentences: list[str]
    leaves: list[LeafThenAndNow] = field(default_factory=list)
    enrollment: Enrollment | None = None
    change: Change | None = None
    refusals: list[tuple[dt.datetime, str]] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        return self.sentences[0]


def explain(
    workflow: Workflow, record_id: int, *, now: dt.datetime, enrollment: Enrollment | None = None, user: Any = None
) -> Explanation:
    """Why a record was enrolled, or why it is not, as a person may read it.

    Looks at its last enrollment unless another one is given.
    """
    if enrollment is None:
        mine = Enrollment.objects.filter(workflow=workflow, record_id=record_id)
        enrollment = mine.exclude(status=Enrollment.Status.REFUSED).order_by("-id").first()
    refusals = refusals_of(workflow, record_id)
    if enrollment is not None:
        return explain_enrollment(enrollment, refusals, now, user)
    return explain_absence(workflow, record_id, refusals, now)


def refusals_of(workflow: Workflow, record_id: int) -> list[tuple[dt.datetime, str]]:
    """When and why the record was refused, newest first."""
    rows = Enrollment.objects.filter(workflow=workflow, record_id=record_id, status=Enrollment.Status.REFUSED)
    return [
        (at, because(reason, cause))
        for at, reason, cause in rows.order_by("-id").values_list("enrolled_at", "ended_reason", "cause")[:20]
    ]


def explain_enrollment(
    enrollment: Enrollment, refusals: list[tuple[dt.datetime, str]], now: dt.datetime, user: Any
) -> Explanation:
    revision = first_revision(enrollment)
    definition = parse(revision.definition)
    kind, cause = object_types[definition.object], enrollment.cause
    change = change_behind(kind, enrollment)
    inside = enrollment.status == Enrollment.Status.ACTIVE
    sentences = [cause_sentence(cause, user)]
    if change is not None:
        sentences.append(change_sentence(kind, change, user))
    if not inside:
        sentences.append(again_sentence(definition))
    compiled = trigger_criteria(definition, now)
    leaves = then_and_now(compiled, enrollment) if compiled else []
    return Explanation(INSIDE if inside else WAS_INSIDE, sentences, leaves, enrollment, change, refusals)


def first_revision(enrollment: Enrollment) -> Revision:
    """The revision that was live when the record was enrolled; it may have been moved to a later one since."""
    published = enrollment.workflow.revisions.filter(published_at__lte=enrollment.enrolled_at)
    return published.order_by("-published_at").first() or enrollment.revision


def change_behind(kind: ObjectType, enrollment: Enrollment) -> Change | None:
    change = enrollment.cause.get("change")
    return Change.objects.filter(pk=change).first() if change else None


def cause_sentence(cause: dict[str, Any], user: Any) -> str:
    if cause.get("kind") == "manual":
        return _("It was enrolled by hand, so the criteria did not matter.")
    if cause.get("kind") == "existing":
        return _("It met the criteria when the workflow was published, and existing records were enrolled.")
    if cause.get("kind") == "schedule":
        return _("It met the criteria when the schedule's time had come.")
    if cause.get("kind") == "workflow":
        return _("Another workflow enrolled it, so the criteria did not matter.")
    if cause.get("kind") == "event":
        return _("An event enrolled it: %(event)s.") % {"event": told_event(cause, user)}
    if "event_id" in cause:
        return _("An event made it meet the criteria: %(event)s.") % {"event": told_event(cause, user)}
    if cause.get("time"):
        return _("It began to meet the criteria because time went by.")
    return _("A change made it meet the criteria.")


def change_sentence(kind: ObjectType, change: Change, user: Any) -> str:
    """What changed, in one sentence with the values before and after, as far as a person may see them."""
    if change.kind == "created":
        return _("The record was created.")
    if change.kind in ("associated", "dissociated"):
        return _("An association of the record was made or removed.")
    changed = object_types.get(change.object_type, kind)
    properties = rights_of(user).seen(changed, changed.properties())
    parts = [
        _("%(property)s changed from “%(before)s” to “%(after)s”")
        % {
            "property": properties[slug].label,
            "before": shown(properties[slug], properties[slug].stored(change.before.get(slug))),
            "after": shown(properties[slug], properties[slug].stored(after)),
        }
        for slug, after in change.after.items()
        if slug in properties
    ]
    return _("%(changes)s.") % {"changes": "; ".join(parts)} if parts else _("The record was changed.")


def shown(prop: Any, value: Any) -> str:
    return prop.display(value) if value not in (None, "", []) else _("blank")


def again_sentence(definition: Definition) -> str:
    if reenrolling.allowed(definition.document):
        return _("It has left since. It can be enrolled again by a change of one of the ticked filters, or by hand.")
    return _("It has left since, and is not enrolled again because re-enrollment is off.")


def then_and_now(compiled: Compiled, enrollment: Enrollment) -> list[LeafThenAndNow]:
    """Every filter of the trigger, with answers and values then (from the journal) and now."""
    kind = compiled.object_type
    now = compiled.explain([enrollment.record_id]).get(enrollment.record_id, [])
    then = values_at(kind, enrollment.entered_as, enrollment.enrolled_at)
    bits = enrollment.cause.get("leaves", "")
    known = bits if len(bits) == len(compiled.leaves) else ""
    found = []
    for i, leaf in enumerate(compiled.leaves):
        answer: LeafAnswer | None = now[i] if now else None
        prop = leaf.property if leaf.property is not None and leaf.property.slug in then else None
        found.append(
            LeafThenAndNow(
                leaf.path,
                leaf.sentence,
                answer.met if answer else None,
                answer.value if answer else "",
                known[i] == "1" if known else None,
                "" if prop and then[prop.slug] is None else prop.display(then[prop.slug]) if prop else None,
            )
        )
    return found


def explain_absence(
    workflow: Workflow, record_id: int, refusals: list[tuple[dt.datetime, str]], now: dt.datetime
) -> Explanation:
    """Why a record that never was inside is not (HIS-19)."""
    if workflow.live is None:
        return Explanation(UNPUBLISHED, [_("The workflow was never published, so nothing is enrolled.")])
    definition = parse(workflow.live.definition)
    kind = object_types[definition.object]
    compiled = trigger_criteria(definition, now)
    answers = compiled.explain([record_id]).get(record_id, []) if compiled else []
    leaves = [LeafThenAndNow(answer.path, answer.sentence, answer.met, answer.value) for answer in answers]
    verdict, sentence = absence(workflow, kind, compiled, record_id, now)
    change = changes_of(kind, record_id).first()
    return Explanation(verdict, [sentence], leaves, change=change, refusals=refusals)


def absence(
    workflow: Workflow, kind: ObjectType, compiled: Compiled | None, record_id: int, now: dt.datetime
) -> tuple[str, str]:
    """The first of the door's refusals that holds, or why nothing has brought the record to the door (TRG-29)."""
    if not kind.records().filter(pk=record_id).exists():
        return NO_RECORD, _("There is no such record, or it was deleted; deleted records are never enrolled.")
    if workflow.status not in Workflow.OPEN or workflow.deleted_at:
        return OFF, _("The workflow is turned off, so nothing is enrolled.")
    if kept_out := barred(workflow, [record_id], now).get(record_id):
        return kept_out, str(REFUSALS[kept_out])
    schedule = Schedule.objects.filter(workflow=workflow).select_related("workflow").first()
    if schedule is not None and (at := next_time(schedule)) is not None:
        when = shown_firing(at, schedule.zone)
        sentence = _("The schedule enrolls it on %(when)s if it meets the criteria then.")
        return AWAITING, sentence % {"when": when}
    if compiled is None:
        return MANUAL_ONLY, _("Only records that somebody enrolls by hand enter this workflow.")
    if not compiled.records().filter(pk=record_id).exists():
        return NOT_MET, _("The record does not meet the criteria.")
    segments = Subscription.objects.filter(revision=workflow.live, purpose=Subscription.Purpose.TRIGGER)
    since = Membership.objects.filter(segment__in=segments.values("segment"), record_id=record_id).first()
    if since is None:
        return PENDING, _("The record meets the criteria and is about to be enrolled.")
    return EXISTING, _(
        "The record met the criteria already when the workflow was turned on, and existing records were not enrolled. "
        "It will be enrolled when it meets them anew."
    )
