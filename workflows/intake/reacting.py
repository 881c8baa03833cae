"""Reacting: what happened becomes enrollments of the workflows with an event trigger, exactly once.

Occurrences come from the queue of events and from the queue of changes; both are taken in the transaction that enrolls
(workflows.intake.dispatching). Which workflows care is one look into an index, however many there are; whether an
occurrence passes an event's filters and its record the standing criteria, at this instant (TRG-32), is one statement
each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import F, Q, QuerySet

from records import happening
from records.criteria.event_rows import EVENT_PREFIX
from records.models import PendingChange, PendingEvent
from records.problems import DocumentError
from workflows.definitions.definition import Definition
from workflows.enrollment.enrolling import enroll
from workflows.events.journal import details_of, source_of
from workflows.events.known import event_of
from workflows.events.settings import EventForm, context_of
from workflows.events.stored import event_source
from workflows.health import unreadable
from workflows.intake.judging import Reason, reasons_of
from workflows.models import EventSubscription, Revision, Workflow

#: The kind of a change that stands for an event where segments are looked at.
EVENT = "event"
LISTENED = """
    SELECT EXISTS (
        SELECT FROM workflows_eventsubscription s
        JOIN workflows_revision r ON r.id = s.revision_id JOIN workflows_workflow w ON w.id = r.workflow_id
        WHERE s.source = %(source)s AND w.object_type = %(object_type)s
    ) OR EXISTS (
        SELECT FROM workflows_eventwait WHERE source = %(source)s AND object_type = %(object_type)s
    ) OR EXISTS (
        SELECT FROM records_segmentdependency WHERE property = %(source)s AND object_type = %(object_type)s
    )
"""


def as_changes(events: Iterable[PendingEvent]) -> list[PendingChange]:
    """Events as segments look at them: "changes" of what criteria about the event depend on."""
    return [
        PendingChange(
            id=-event.pk, change_id=event.event_id, object_type=event.object_type, record_id=event.record_id,
            kind=EVENT, properties=[f"{EVENT_PREFIX}{event.event}"], source=event.source, depth=event.depth,
            at=event.occurred_at,
        )
        for event in events
    ]  # fmt: skip


def subscribe(revision: Revision, definition: Definition, before: Revision | None, now: dt.datetime) -> None:
    """Have a revision react to the events of its trigger.

    What the live revision reacted to already goes on without a gap; what is new counts from now on.
    """
    if definition.trigger.kind != "event":
        return
    context = context_of(definition.object)
    old = ((before.definition.get("trigger") or {}).get("events") or []) if before else []
    since = revision.workflow.turned_on_at or now
    made = []
    for place, item in enumerate(definition.trigger.document["events"]):
        event = event_of(item["event"])
        assert event is not None, "publishing has checked the trigger"
        form = EventForm(event, document={key: item[key] for key in item if key != "event"}, context=context)
        assert form.is_valid(), "publishing has checked the trigger"
        want = event.want(form.cleaned_data, context)
        made.append(
            EventSubscription(
                revision=revision, item=place, event=event.slug, source=want.source, through=want.through,
                detail=event.detail(form.cleaned_data), wanted=want.wanted, since=since if item in old else now,
            )
        )  # fmt: skip
    EventSubscription.objects.bulk_create(made)


def unsubscribe(revision: Revision) -> None:
    EventSubscription.objects.filter(revision=revision).delete()


def listened(event: str, object_type: str) -> bool:
    """Whether a workflow, a waiting record or a segment would notice an event (for records.happening)."""
    with connection.cursor() as cursor:
        cursor.execute(LISTENED, {"source": event_source(event), "object_type": object_type})
        return bool(cursor.fetchone()[0])


happening.listeners.append(listened)


def react(
    changes: Sequence[PendingChange],
    events: Sequence[PendingEvent],
    now: dt.datetime,
    subscriptions: Sequence[EventSubscription],
) -> None:
    """Enroll whom these occurrences call for; a record once for each workflow, for the first of its occurrences."""
    found: dict[Workflow, dict[int, Reason]] = {}
    for subscription in subscriptions:
        workflow = subscription.revision.workflow
        reasons = found.setdefault(workflow, {})
        try:
            reached = reasons_of(subscription, changes, events, now)
        except DocumentError as error:
            unreadable.turn_off([workflow], error, now)
            continue
        for record_id, reason in reached:
            known = reasons.get(record_id)
            if known is None or (reason.at, reason.id) < (known.at, known.id):
                reasons[record_id] = reason
    for workflow, reasons in found.items():
        if reasons:
            told = {record_id: reason.facts for record_id, reason in reasons.items()}
            assert workflow.live is not None, "only live revisions are subscribed"
            again = set(reasons) if workflow.live.definition["trigger"].get("reenroll") else set()
            enroll(workflow, reasons, cause={"kind": "event"}, causes=told, again=again, now=now)


def interested(changes: Sequence[PendingChange], events: Sequence[PendingEvent]) -> list[EventSubscription]:
    """The subscriptions of open workflows that name one of these occurrences. One statement."""
    ways = {(source_of(change.object_type), detail) for change in changes for detail in details_of(change)}
    ways |= {(event_source(event.event), "") for event in events}
    if not ways:
        return []
    pairs = Q()
    for source in {source for source, _detail in ways}:
        pairs |= Q(source=source, detail__in=sorted(detail for one, detail in ways if one == source))
    found: QuerySet[EventSubscription] = EventSubscription.objects.filter(
        pairs,
        revision=F("revision__workflow__live"),
        revision__workflow__status__in=Workflow.OPEN,
        revision__workflow__deleted_at=None,
    )
    return list(found.select_related("revision__workflow__live").order_by("revision__workflow", "item"))
