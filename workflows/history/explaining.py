"""Explaining: why a record was enrolled, or why it is not, filter by filter (HIS-06, HIS-19)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from records.criteria import Compiled, LeafAnswer
from records.journal import changes_of, values_at
from records.models import Change
from records.moments import moment
from records.object_types import ObjectType, object_types
from records.property_access import rights_of
from records.seeing import hidden_in, may_see
from workflows.enrollment.refusing import because
from workflows.history import absence, again, standing
from workflows.history.event_stories import told_event
from workflows.history.explanation import (
    INSIDE,
    OTHER_TYPE,
    UNPUBLISHED,
    UNREADABLE,
    WAS_INSIDE,
    Explanation,
    LeafThenAndNow,
    Question,
    first_revision,
)
from workflows.history.telling import definition_of, ending
from workflows.lifecycle.previewing import trigger_criteria
from workflows.models import Enrollment, Workflow


def explain(
    workflow: Workflow, record_id: int, *, now: dt.datetime, enrollment: Enrollment | None = None, user: Any = None
) -> Explanation:
    """Why a record was enrolled, or why it is not, as a person may read it.

    Looks at its last enrollment unless another one is given.
    """
    chosen = enrollment is not None
    if enrollment is None:
        mine = Enrollment.objects.filter(workflow=workflow, record_id=record_id)
        enrollment = mine.exclude(status=Enrollment.Status.REFUSED).order_by("-id").first()
    refusals = refusals_of(workflow, record_id)
    if enrollment is not None:
        found = explain_enrollment(enrollment, refusals, now, user)
        if found.verdict == WAS_INSIDE and not chosen:
            found.sentences.insert(0, _("It was in this workflow before, and is not inside now."))
        return found
    return explain_absence(workflow, record_id, refusals, now, user)


def of_other_type(workflow: Workflow, object_type: str) -> Explanation | None:
    """The answer about records of a type the workflow is not for; None for its own."""
    if object_type == workflow.object_type:
        return None
    kind = object_types[workflow.object_type]
    other = object_types.get(object_type)
    facts = {"records": kind.label_plural, "others": other.label_plural if other else object_type}
    return Explanation(OTHER_TYPE, [_("This workflow is for %(records)s, so %(others)s never enter it.") % facts])


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
    definition = definition_of(first_revision(enrollment))
    kind, cause = object_types[enrollment.workflow.object_type], enrollment.cause
    change = change_behind(kind, enrollment)
    inside = enrollment.status == Enrollment.Status.ACTIVE
    sentences = [cause_sentence(cause, user)]
    if change is not None:
        sentences.append(change_sentence(kind, change, user))
    sentences += standing.why_standing(enrollment, now) if inside else left_and_not_again(enrollment, now, user)
    if definition is None and inside:
        sentences.append(unreadable())
    compiled = trigger_criteria(definition, now) if definition is not None else None
    # Whether filters are met tells of what they look at: nothing of that to who may not see it.
    told = compiled is not None and not (user is not None and hidden_in(user, compiled))
    leaves = then_and_now(compiled, enrollment) if compiled is not None and told else []
    return Explanation(INSIDE if inside else WAS_INSIDE, sentences, leaves, enrollment, change, refusals)


def left_and_not_again(enrollment: Enrollment, now: dt.datetime, user: Any) -> list[str]:
    """How it ended, and why the record has not been enrolled again since."""
    told = []
    if enrollment.ended_at is not None:
        facts = {"when": moment(enrollment.ended_at), "why": ending(enrollment.ended_reason, enrollment.cause)}
        told.append(_("It left on %(when)s: %(why)s") % facts)
    workflow = enrollment.workflow
    definition = definition_of(workflow.live) if workflow.live else None
    if definition is None:
        return [*told, unreadable()]
    question = Question(workflow, definition, enrollment.record_id, now, user, since=enrollment.ended_at)
    return [*told, *again.why_not_again(question)]


def unreadable() -> str:
    return _("The workflow cannot be read any more: it names what is gone. Correct and publish it.")


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
    if user is not None and changed is not kind and not may_see(user, changed):
        return _("An associated record was changed.")
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
    workflow: Workflow, record_id: int, refusals: list[tuple[dt.datetime, str]], now: dt.datetime, user: Any
) -> Explanation:
    """Why a record that never was inside is not (HIS-19)."""
    if workflow.live is None:
        return Explanation(UNPUBLISHED, [_("The workflow was never published, so nothing is enrolled.")])
    definition = definition_of(workflow.live)
    if definition is None:
        return Explanation(UNREADABLE, [unreadable()], refusals=refusals)
    question = Question(workflow, definition, record_id, now, user)
    found = absence.why_not(question)
    change = changes_of(question.kind, record_id).first()
    return Explanation(found.verdict, found.sentences, found.leaves, change=change, refusals=refusals)
