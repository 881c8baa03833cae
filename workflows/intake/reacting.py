"""Reacting: what happened becomes enrollments of the workflows with an event trigger, exactly once.

Occurrences come from the queue of events and from the queue of changes; both are taken in the transaction that enrolls
(workflows.intake.dispatching). Which workflows care is one look into an index, however many there are; whether an
occurrence passes an event's filters and its record the standing criteria, at this instant (TRG-32), is one statement
each.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from records import criteria, happening
from records.associations import links_of
from records.criteria.event_rows import EVENT_PREFIX, event_rows
from records.event_types import event_type
from records.models import Change, Event, PendingChange, PendingEvent
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from workflows.definitions.definition import Definition
from workflows.enrollment.enrolling import enroll
from workflows.events.base import Wait
from workflows.events.journal import Happened, JournalEvent, details_of, passing_changes, source_of
from workflows.events.known import event_of
from workflows.events.settings import EventForm, context_of
from workflows.events.stored import event_source
from workflows.health import unreadable
from workflows.intake import merges
from workflows.models import EventSubscription, Revision, Workflow
from workflows.times.wall_time import workflow_zone

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


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record is to be enrolled: one occurrence, as an enrollment's cause remembers it."""

    at: dt.datetime
    id: int
    facts: dict[str, Any]


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


def names(subscription: EventSubscription, occurrence: PendingChange | PendingEvent) -> bool:
    """Whether an occurrence is of the kind a subscription is about."""
    if isinstance(occurrence, PendingEvent):
        return event_source(occurrence.event) == subscription.source
    return source_of(occurrence.object_type) == subscription.source and subscription.detail in details_of(occurrence)


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


def reasons_of(
    subscription: EventSubscription,
    changes: Sequence[PendingChange],
    events: Sequence[PendingEvent],
    now: dt.datetime,
) -> list[tuple[int, Reason]]:
    """The records a subscription's occurrences happened to and that meet the standing criteria, with the reason."""
    workflow = subscription.revision.workflow
    kind = object_types.get(workflow.object_type)
    if kind is None:
        message = _("There are no records of the type “%(type)s” any more.") % {"type": workflow.object_type}
        raise DocumentError([Problem("object", message, workflow.object_type)])
    since = max(subscription.since, workflow.turned_on_at or subscription.since)
    changes, events = merges.counting(workflow, changes), merges.counting(workflow, events)
    if subscription.source.startswith(EVENT_PREFIX):
        return told_reasons(subscription, [one for one in events if named(subscription, one, since)], kind, now)
    mine = [
        change
        for change in changes
        if source_of(change.object_type) == subscription.source
        and subscription.detail in details_of(change)
        and change.at >= since
    ]
    return journal_reasons(subscription, mine, kind, now)


def named(subscription: EventSubscription, event: PendingEvent, since: dt.datetime) -> bool:
    """Whether an event can enroll by a subscription; not one told before its record was known (TRG-33)."""
    earlier = happening.EARLIER.items() <= (event.source or {}).items()
    return (
        event_source(event.event) == subscription.source
        and event.object_type == subscription.revision.workflow.object_type
        and event.occurred_at >= since
        and not earlier
    )


def told_reasons(
    subscription: EventSubscription, events: Sequence[PendingEvent], kind: ObjectType, now: dt.datetime
) -> list[tuple[int, Reason]]:
    """One statement: the events' filters, the criteria, and that the record was there before the event (TRG-33)."""
    told = event_type(subscription.event)
    if not events or told is None:
        return []
    moments = [event.occurred_at for event in events]
    rows = Event.objects.filter(
        pk__in=[event.event_id for event in events], occurred_at__gte=min(moments), occurred_at__lte=max(moments)
    )
    for slug, value in told.quiet:
        rows = rows.exclude(properties__contains={slug: value})
    if where := subscription.wanted.get("where"):
        zone = zone_of(subscription)
        rows = rows.filter(criteria.compile({"all": where}, event_rows(told), now=now, zone=zone, stored=True).q)
    records = standing(subscription, kind, now)
    if not told.ours and any(field.name == "created_at" for field in kind.model._meta.concrete_fields):
        records = records.filter(created_at__lte=OuterRef("occurred_at"))
    rows = rows.filter(Exists(records.filter(pk=OuterRef("record_id"))))
    passed = set(rows.values_list("pk", flat=True))
    return [
        (
            event.record_id,
            Reason(event.occurred_at, event.event_id, facts_of(subscription, event, {"event_id": event.event_id})),
        )
        for event in events
        if event.event_id in passed
    ]


def journal_reasons(
    subscription: EventSubscription, changes: Sequence[PendingChange], kind: ObjectType, now: dt.datetime
) -> list[tuple[int, Reason]]:
    """Two or three statements: the changes, their filters, and the criteria."""
    event = event_of(subscription.event)
    if not changes or not isinstance(event, JournalEvent):
        return []
    wait = Wait(
        0, kind.slug, 0, event.slug, subscription.through, subscription.wanted, 0, subscription.since, None, None
    )
    happened = [one for one in changes_by_id(changes) if one.kind in event.kinds and event.fits(wait, one)]
    where, rows = subscription.wanted.get("where"), event.rows(subscription.wanted, kind)
    if happened and where and rows is not None:
        passing = passing_changes(rows, where, happened, zone_of(subscription))
        happened = [one for one in happened if one.id in passing]
    reached: dict[int, list[int]] = {one.record_id: [one.record_id] for one in happened}
    if subscription.through:
        reached = {record_id: [] for record_id in reached}
        for own, other in links_of(kind, subscription.through, other=list(reached)):
            reached[other].append(own)
    asked = {own for owns in reached.values() for own in owns}
    meeting = (
        set(standing(subscription, kind, now).filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
    )
    pending = {change.change_id: change for change in changes}
    return [
        (own, Reason(one.at, one.id, facts_of(subscription, pending[one.id], {"change": one.id})))
        for one in happened
        for own in reached[one.record_id]
        if own in meeting
    ]


def changes_by_id(changes: Sequence[PendingChange]) -> list[Happened]:
    moments = [change.at for change in changes]
    rows = Change.objects.filter(
        pk__in=[change.change_id for change in changes], at__gte=min(moments), at__lte=max(moments)
    )
    return [Happened(one.pk, one.record_id, one.kind, one.before, one.after, one.at) for one in rows.order_by("pk")]


def standing(subscription: EventSubscription, kind: ObjectType, now: dt.datetime) -> QuerySet[Any]:
    """The records that meet the trigger's standing criteria (TRG-34)."""
    document = subscription.revision.definition["trigger"].get("criteria")
    if not document:
        return kind.records()
    return criteria.compile(document, kind, now=now, zone=zone_of(subscription), stored=True).records()


def zone_of(subscription: EventSubscription) -> zoneinfo.ZoneInfo:
    """Whose days the filters of a trigger count."""
    return workflow_zone(subscription.revision.definition.get("settings") or {})


def facts_of(
    subscription: EventSubscription, occurrence: PendingEvent | PendingChange, which: dict[str, Any]
) -> dict[str, Any]:
    """What an enrollment remembers of the occurrence that led to it."""
    source = occurrence.source or {}
    at = occurrence.occurred_at if isinstance(occurrence, PendingEvent) else occurrence.at
    facts = {"kind": "event", "event": subscription.event, "item": subscription.item, "depth": occurrence.depth}
    facts |= {"at": at.isoformat(), **which}
    return facts | {name: source[name] for name in ("actor", "chain") if name in source}
