"""Why a record is not in a workflow (HIS-19): asked of the very conditions that let records in, in their order.

First what the door says (workflows.enrollment.doors), then what has, or has not, brought the record there.
"""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from records import criteria
from records.criteria import Compiled
from records.criteria.expressions import known
from records.journal import changes_of
from records.merging.remembering import gone_into, merged_into
from records.models import Membership, PendingChange
from records.moments import moment
from records.problems import DocumentError
from records.seeing import hidden_in
from workflows.enrollment.doors import GONE, SUPPRESSED, closed_because, reasons
from workflows.enrollment.enrolling import guards_and_rules
from workflows.enrollment.refusing import LIST, because, suppressed_by
from workflows.history import event_absence
from workflows.history.explanation import (
    AWAITING,
    BY_MERGE,
    EXISTING,
    HINDERED,
    MANUAL_ONLY,
    NO_DAY,
    NO_RECORD,
    NOT_KEPT,
    NOT_MET,
    OFF,
    PENDING,
    SCHEDULE_OVER,
    UNREADABLE,
    WITHHELD,
    Answer,
    LeafThenAndNow,
    Question,
    missing_sentences,
)
from workflows.intake import isolating, merges
from workflows.models import Enrollment, Schedule, SetAside, Subscription, Workflow
from workflows.schedules import rules
from workflows.schedules.matching import matching, meeting
from workflows.schedules.scheduling import next_time
from workflows.schedules.words import sentence as rule_sentence
from workflows.schedules.words import shown_firing
from workflows.times.wall_time import workflow_zone, zone_named
from workflows.triggers.schedule import ALL_RECORDS

#: The causes of enrollments that a trigger by filters brings about.
BY_FILTERS = ("filter", "existing")


def why_not(question: Question) -> Answer:
    """The first reason that holds."""
    for ask in (gone, closed, withheld, kept_out):
        if (answer := ask(question)) is not None:
            return answer
    return BY_TRIGGER[question.definition.trigger.kind](question)


def gone(question: Question) -> Answer | None:
    """The record is deleted, merged into another, or was never there."""
    kind, pk = question.kind, question.record_id
    if reasons(question.workflow, [pk], None).get(pk) != GONE:
        return None
    if winner := merged_into(kind, [pk]).get(pk):
        return Answer(NO_RECORD, [gone_into(kind, pk, winner)])
    record = kind.model._default_manager.filter(pk=pk).first()
    if (deleted := getattr(record, "deleted_at", None)) is not None:
        message = _("The record was deleted on %(when)s; deleted records are never enrolled. Restore it first.")
        return Answer(NO_RECORD, [message % {"when": moment(deleted)}])
    return Answer(NO_RECORD, [_("There is no such record, or it was deleted; deleted records are never enrolled.")])


def closed(question: Question) -> Answer | None:
    """The workflow takes nobody in (TRG-30)."""
    if not closed_because(question.workflow):
        return None
    return Answer(OFF, [closed_sentence(question.workflow)])


def closed_sentence(workflow: Workflow) -> str:
    if workflow.status == Workflow.Status.DRAINING:
        return _("The workflow is finishing: who is inside goes on, and nothing new is enrolled.")
    return _("The workflow is turned off, so nothing is enrolled.")


def withheld(question: Question) -> Answer | None:
    """The trigger, or what keeps records out, looks at something the person may not see: any answer would tell it."""
    document = question.definition.document
    asked = [question.definition.trigger.criteria, document.get("goal")]
    asked.append((document.get("unenroll") or {}).get("criteria"))
    for part in asked:
        compiled = readable(question, part)
        hidden = hidden_in(question.user, compiled) if compiled and question.user is not None else ""
        if hidden:
            message = _(
                "Why is not told: the workflow looks at %(what)s, which you may not see. Ask somebody who may."
            )
            return Answer(WITHHELD, [message % {"what": hidden}])
    return None


def readable(question: Question, document: object) -> Compiled | None:
    """Criteria as they are asked now; None for none, for those that let everybody in, and for unreadable ones."""
    if not document or document == ALL_RECORDS:
        return None
    zone = workflow_zone(question.definition.settings)
    try:
        return criteria.compile(document, question.kind, now=question.now, zone=zone, stored=True)
    except DocumentError:
        return None


def kept_out(question: Question) -> Answer | None:
    """A guard of the door: a suppression list, the unenrollment criteria, the goal, a blank date (TRG-29)."""
    pk, workflow = question.record_id, question.workflow
    refusal = guards_and_rules(workflow, [pk], question.now, manual=False).get(pk)
    if not refusal:
        return None
    named = {LIST: suppressed_by(workflow, [pk]).get(pk)} if refusal == SUPPRESSED else {}
    return Answer(refusal, [because(refusal, named)])


def by_hand_only(question: Question) -> Answer:
    return Answer(MANUAL_ONLY, [_("Only records that somebody enrolls by hand enter this workflow.")])


def by_schedule(question: Question) -> Answer:
    """When the schedule looks next, and whether it would find the record by what is known now."""
    schedule = Schedule.objects.filter(workflow=question.workflow).select_related("workflow").first()
    at = next_time(schedule) if schedule is not None else None
    if schedule is None or at is None:
        return Answer(SCHEDULE_OVER, [_("The schedule has fired for the last time, so it enrolls nobody any more.")])
    compiled = readable(question, question.definition.trigger.criteria)
    leaves, missing = looked(question, compiled)
    told = _("The schedule enrolls it on %(when)s if it meets the criteria then.")
    answer = Answer(AWAITING, [told % {"when": shown_firing(at, schedule.zone)}, *missing], leaves)
    return by_its_date(question, schedule, at, answer)


def by_its_date(question: Question, schedule: Schedule, at: dt.datetime, otherwise: Answer) -> Answer:
    """Of a schedule that follows a date of each record (SCH-27): which that is."""
    rule, zone = rules.read(schedule.rule)[0], zone_named(schedule.zone)
    prop = question.kind.properties().get(rule.property) if rule is not None and rule.property else None
    if rule is None or prop is None or zone is None:
        return otherwise
    mine = question.kind.records().filter(pk=question.record_id)
    facts = {"property": prop.label, "rule": rule_sentence(rule, str(prop.label))}
    if not mine.filter(known(prop)).exists():
        message = _("The schedule goes by %(property)s, which is blank, so the record is never due.")
        return Answer(NO_DAY, [message % facts, *otherwise.sentences[1:]], otherwise.leaves)
    due = matching(question.definition, rule, zone, at).filter(pk=question.record_id).exists()
    if due or not meeting(question.definition, zone, at).filter(pk=question.record_id).exists():
        return otherwise
    record = mine.get()
    message = _("The schedule enrolls it when its day has come (%(rule)s). Its %(property)s is %(value)s.")
    return Answer(AWAITING, [message % (facts | {"value": prop.display(prop.read(record))})], otherwise.leaves)


def looked(question: Question, compiled: Compiled | None) -> tuple[list[LeafThenAndNow], list[str]]:
    """The trigger's filters as they answer now, and which of them stand in the way."""
    if compiled is None:
        return [], []
    answers = compiled.explain([question.record_id]).get(question.record_id, [])
    leaves = [LeafThenAndNow(one.path, one.sentence, one.met, one.value) for one in answers]
    return leaves, missing_sentences(compiled.missing(question.record_id))


def by_filters(question: Question) -> Answer:
    """The filters are not met; or they are, and why that has not enrolled the record."""
    compiled = readable(question, question.definition.trigger.criteria)
    if compiled is None:
        return Answer(UNREADABLE, [_("The trigger's criteria cannot be read any more. Correct and publish them.")])
    leaves, missing = looked(question, compiled)
    if not compiled.records().filter(pk=question.record_id).exists():
        return Answer(NOT_MET, [_("The record does not meet the criteria."), *missing], leaves)
    watched = Subscription.objects.filter(revision=question.workflow.live, purpose=Subscription.Purpose.TRIGGER)
    segments = list(watched.values_list("segment", flat=True))
    member = Membership.objects.filter(segment__in=segments, record_id=question.record_id).first()
    if member is not None:
        return Answer(*met_since(question, member.since), leaves)
    aside = SetAside.objects.filter(hindrance__kind=isolating.SEGMENT, hindrance__segment__in=segments)
    if aside.filter(record_id=question.record_id).exists():
        return Answer(HINDERED, [hindered()], leaves)
    return Answer(PENDING, [_("The record meets the criteria and is about to be enrolled.")], leaves)


def hindered() -> str:
    return _("An error keeps the workflow from looking at the record; it is tried again. The health page says more.")


def met_since(question: Question, since: dt.datetime) -> tuple[str, list[str]]:
    """Why a record that meets the criteria was not enrolled when it began to: only beginning enrolls (TRG-20)."""
    workflow, facts = question.workflow, {"when": moment(since)}
    anew = _("It will be enrolled when it meets them anew.")
    # What somebody tried by hand, or another workflow, says nothing about what the trigger did.
    refused = Enrollment.objects.filter(workflow=workflow, record_id=question.record_id, enrolled_at__gte=since)
    refused = refused.filter(status=Enrollment.Status.REFUSED, cause__kind__in=BY_FILTERS)
    last = refused.order_by("-id").first()
    if last is not None:
        began = _("The record began to meet the criteria on %(when)s, and was not let in then.") % facts
        return last.ended_reason, [because(last.ended_reason, last.cause), began, anew]
    opened = [at for at in (workflow.turned_on_at, workflow.live and workflow.live.published_at) if at]
    if since <= max(opened, default=since):
        return EXISTING, [
            _(
                "The record met the criteria already when the workflow was turned on, and existing records were not "
                "enrolled. It will be enrolled when it meets them anew."
            )
        ]
    change = changes_of(question.kind, question.record_id).filter(at__lte=since).first()
    if change is not None and not merges.counting(workflow, [PendingChange(source=change.source)]):
        told = _("A merge made the record meet the criteria on %(when)s, and this workflow enrolls no merged records.")
        return BY_MERGE, [told % facts, anew]
    told = _("The record has met the criteria since %(when)s. What was done with it then is not kept any more.")
    return NOT_KEPT, [told % facts, anew]


def by_event(question: Question) -> Answer:
    """No event of the trigger has enrolled it; with the filters that must be met besides (TRG-34)."""
    compiled = readable(question, question.definition.trigger.criteria)
    leaves, missing = looked(question, compiled)
    verdict, sentences = event_absence.why_no_event(question, missing)
    return Answer(verdict, sentences, leaves)


BY_TRIGGER = {"manual": by_hand_only, "schedule": by_schedule, "filter": by_filters, "event": by_event}
