"""Judging: whether an occurrence is what an event trigger names, and its record one it lets in.

Reacting asks here what is to be enrolled; explaining asks the same conditions one by one, why something was not.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from records import criteria, happening
from records.associations import links_of
from records.criteria.event_rows import EVENT_PREFIX, event_rows
from records.event_types import EventType, event_type
from records.models import Change, Event, PendingChange, PendingEvent
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from workflows.events.base import Wait
from workflows.events.journal import Happened, JournalEvent, details_of, passing_changes, source_of
from workflows.events.known import event_of
from workflows.events.stored import event_source
from workflows.intake import merges
from workflows.models import EventSubscription
from workflows.times.wall_time import workflow_zone


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record is to be enrolled: one occurrence, as an enrollment's cause remembers it."""

    at: dt.datetime
    id: int
    facts: dict[str, Any]


def names(subscription: EventSubscription, occurrence: PendingChange | PendingEvent) -> bool:
    """Whether an occurrence is of the kind a subscription is about."""
    if isinstance(occurrence, PendingEvent):
        return event_source(occurrence.event) == subscription.source
    return source_of(occurrence.object_type) == subscription.source and subscription.detail in details_of(occurrence)


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
    since = since_of(subscription)
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


def since_of(subscription: EventSubscription) -> dt.datetime:
    """Only what occurred from then on counts (TRG-03): the event was not in the trigger before, or it was off."""
    return max(subscription.since, subscription.revision.workflow.turned_on_at or subscription.since)


def known_then(event: PendingEvent) -> bool:
    """Whether an event was told when its record was known already, and not before (TRG-33)."""
    return not happening.EARLIER.items() <= (event.source or {}).items()


def named(subscription: EventSubscription, event: PendingEvent, since: dt.datetime) -> bool:
    """Whether an event can enroll by a subscription."""
    return (
        event_source(event.event) == subscription.source
        and event.object_type == subscription.revision.workflow.object_type
        and event.occurred_at >= since
        and known_then(event)
    )


def told_reasons(
    subscription: EventSubscription, events: Sequence[PendingEvent], kind: ObjectType, now: dt.datetime
) -> list[tuple[int, Reason]]:
    """One statement: the events' filters, the criteria, and that the record was there before the event (TRG-33)."""
    told = event_type(subscription.event)
    if not events or told is None:
        return []
    rows = as_wanted(subscription, told, events, now)
    there = there_before(told, kind, standing(subscription, kind, now))
    passed = set(rows.filter(Exists(there)).values_list("pk", flat=True))
    return [
        (
            event.record_id,
            Reason(event.occurred_at, event.event_id, facts_of(subscription, event, {"event_id": event.event_id})),
        )
        for event in events
        if event.event_id in passed
    ]


def as_wanted(
    subscription: EventSubscription, told: EventType, events: Sequence[PendingEvent], now: dt.datetime
) -> QuerySet[Event]:
    """The rows of those events that pass the filters the trigger puts on the event itself."""
    moments = [event.occurred_at for event in events]
    rows = Event.objects.filter(
        pk__in=[event.event_id for event in events], occurred_at__gte=min(moments), occurred_at__lte=max(moments)
    )
    for slug, value in told.quiet:
        rows = rows.exclude(properties__contains={slug: value})
    if where := subscription.wanted.get("where"):
        zone = zone_of(subscription)
        rows = rows.filter(criteria.compile({"all": where}, event_rows(told), now=now, zone=zone, stored=True).q)
    return rows


def there_before(told: EventType, kind: ObjectType, records: QuerySet[Any]) -> QuerySet[Any]:
    """Of some records the one an event in the outer query happened to, if it was there before (TRG-33)."""
    if not told.ours and any(field.name == "created_at" for field in kind.model._meta.concrete_fields):
        records = records.filter(created_at__lte=OuterRef("occurred_at"))
    return records.filter(pk=OuterRef("record_id"))


def journal_reasons(
    subscription: EventSubscription, changes: Sequence[PendingChange], kind: ObjectType, now: dt.datetime
) -> list[tuple[int, Reason]]:
    """Two or three statements: the changes, their filters, and the criteria."""
    happened = fitting(subscription, changes, kind)
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


def fitting(subscription: EventSubscription, changes: Sequence[PendingChange], kind: ObjectType) -> list[Happened]:
    """Those changes that are the event, and pass the filters the trigger puts on it."""
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
    return happened


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
