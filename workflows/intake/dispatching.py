"""Dispatching: what the journal has new becomes enrollments and unenrollments, exactly once."""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F
from psycopg import errors

from records import crossings, refreshing, segments, vocabulary
from records.lists.telling import tell_of_segment
from records.models import ChangeKind, Membership, PendingChange, Segment
from records.object_types import object_types
from records.plans import plan_of
from records.problems import DocumentError
from records.segments import is_existence
from records.vocabulary import Version
from workflows.enrollment import leaving, reenrolling, suppressing
from workflows.enrollment.doors import GUARDS
from workflows.enrollment.enrolling import enroll
from workflows.enrollment.leaving import unenroll
from workflows.failpoints import reach
from workflows.health import timing
from workflows.intake import deriving, discarding, merges, occurrences, reacting, taking
from workflows.intake.subscriptions import trigger_segment
from workflows.models import AuditEntry, Enrollment, Subscription, Workflow
from workflows.movers import enrollments as merged_enrollments

logger = logging.getLogger(__name__)
Purpose = Subscription.Purpose

#: How often a transaction that ended in a deadlock is tried.
ATTEMPTS = 3
#: Changes a log line names at most.
NAMED = 5
Causes = dict[int, list[PendingChange]]


def dispatch(now: dt.datetime, limit: int = 1000) -> int:
    """`dispatch_once`, again where it was the one the database chose to end a deadlock with a batch of steps."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return dispatch_once(now, limit)
        except OperationalError as error:
            deadlock = isinstance(error.__cause__, errors.DeadlockDetected)
            if not deadlock or attempt == ATTEMPTS or connection.in_atomic_block:
                raise
            time.sleep(random.uniform(0.01, 0.1) * attempt)
    return 0


def dispatch_once(now: dt.datetime, limit: int) -> int:
    """Take the oldest pending changes and events, at most `limit` of each, and enroll, unenroll and wake whom they
    call for.

    Everything is one transaction: a change is gone from the queue when, and only when, its effects are committed.
    Returns how many were taken, and waits for events checked; 0 means that nothing is waiting.
    """
    anything, crowded = taking.glance(now)
    if not anything:
        return 0
    began = time.monotonic()
    with transaction.atomic():
        idle = 0
        if crowded:
            taking.lock_dispatching()
            idle = discarding.discard()
        taken = taking.take(now, limit)
        pending, told = taken.changes, taken.events
        if deriving.derive(pending, now):
            told += taking.take_events(limit)
        reach("after_take")
        # First, so that a record deleted and restored meanwhile does not leave again what it enters now.
        merged_enrollments.follow(pending)
        drop_deleted(pending, now)
        suppressing.follow(pending, now)
        checked = occurrences.look(pending, now, told) if taken.waits else 0
        if taken.subscriptions:
            reacting.react(pending, told, now)
        happened = [*pending, *reacting.as_changes(told)]
        touched = sorted(segments.touched(happened).items(), key=lambda item: item[0].pk)
        version = vocabulary.version() if touched else ()
        follow_changes(dict(touched), now, version)
        for segment, crossed in crossings.look(now) if taken.segments else ():
            follow_time(segment, crossed, now, vocabulary.version())
        reach("before_dispatch_commit")
    reach("after_dispatch_commit")
    if pending:
        seconds = round(time.monotonic() - began, 4)
        timing.took(timing.DISPATCH, seconds)
        facts = {"changes": len(pending), "change_ids": [change.change_id for change in pending[:NAMED]]}
        logger.info("%d changes dispatched in %.3f s", len(pending), seconds, extra={**facts, "seconds": seconds})
    return idle + len(pending) + len(told) + checked


def follow_changes(touched: segments.Touched, now: dt.datetime, version: Version) -> None:
    """Bring the segments up to date for changed records, all in one statement, and follow who joined and left.

    One whose criteria cannot be read any more, because a property was removed behind our back, ends alone: its
    workflows are turned off, their audit log says why, and what the others wait for is dispatched.
    """
    readable: segments.Touched = {}
    for segment, causes in touched.items():
        try:
            plan_of(segment, now, version)
        except DocumentError as error:
            give_up(segment, error, now)
        else:
            readable[segment] = causes
    moved = refreshing.refresh(readable, now, version)
    listening = live_subscriptions(readable)
    for segment, causes in readable.items():
        heard = listening[segment.pk]
        if moved[segment] or any(one.purpose == Purpose.REENROLLMENT for one in heard):
            try:
                with transaction.atomic():
                    tell_of_segment(segment, moved[segment], causes, now)
                    follow(segment, heard, moved[segment], causes, now, version)
            except DocumentError as error:
                give_up(segment, error, now)


def follow_time(segment: Segment, crossed: Collection[int] | None, now: dt.datetime, version: Version) -> None:
    """Bring one up to date for the records whose dates time has gone past, or (None) for all."""
    try:
        with transaction.atomic():
            if crossed is None:
                moved = segments.refresh_all(segment, now)
            else:
                moved = segments.refresh(segment, crossed, now, version)
            tell_of_segment(segment, moved, {}, now)
            follow(segment, live_subscriptions([segment])[segment.pk], moved, {}, now, version)
    except DocumentError as error:
        give_up(segment, error, now)


def give_up(segment: Segment, error: DocumentError, now: dt.datetime) -> None:
    """Turn off the workflows whose criteria cannot be read, and say why."""
    because = " ".join(str(problem.message) for problem in error.problems)[:500]
    workflows = [subscription.revision.workflow for subscription in live_subscriptions([segment])[segment.pk]]
    logger.error("The criteria of segment %d cannot be read: %s Turned off: %s", segment.pk, because, workflows)
    Segment.objects.filter(pk=segment.pk).update(active=False)
    Workflow.objects.filter(pk__in=[workflow.pk for workflow in workflows]).update(status=Workflow.Status.OFF)
    AuditEntry.objects.bulk_create(
        AuditEntry(workflow=workflow, action="turned_off", detail={"because": because}, at=now)
        for workflow in workflows
    )


def follow(
    segment: Segment,
    listening: Iterable[Subscription],
    moved: segments.Transitions,
    causes: Causes,
    now: dt.datetime,
    version: Version,
) -> None:
    """Do what the workflows on a segment want done with those who joined and left."""
    for subscription in listening:
        if subscription.purpose in GUARDS:
            leaving.follow_guard(subscription, moved, now)
        elif subscription.revision.workflow.status not in Workflow.OPEN:
            continue
        elif subscription.purpose == Purpose.REENROLLMENT:
            enroll_again(subscription, segment, moved, causes, now, version)
        else:
            follow_trigger(subscription, segment, moved, causes, now, version)


def follow_trigger(
    subscription: Subscription,
    segment: Segment,
    moved: segments.Transitions,
    causes: Causes,
    now: dt.datetime,
    version: Version,
) -> None:
    """Enroll who began to meet the trigger and was never inside; let go, where that is wanted, who no longer does."""
    workflow, definition = subscription.revision.workflow, subscription.revision.definition
    if (definition.get("unenroll") or {}).get("when_no_longer_matching") and moved.left:
        gone = Enrollment.objects.filter(workflow=workflow, record_id__in=moved.left)
        unenroll(gone, reason="no_longer_matching", by=None, now=now)
    if entering := merges.entering(workflow, moved.joined, causes):
        told = told_of(segment, entering, causes, now, version)
        enroll(workflow, entering, cause={"kind": "filter"}, causes=told, now=now)


def enroll_again(
    subscription: Subscription,
    segment: Segment,
    moved: segments.Transitions,
    causes: Causes,
    now: dt.datetime,
    version: Version,
) -> None:
    """Enroll, also a second time, who began to meet a ticked filter and meets the trigger now (REN-06, REN-07)."""
    kind, workflow = object_types[segment.object_type], subscription.revision.workflow
    renewed = reenrolling.renewed(segment.criteria, kind, merges.counting_causes(workflow, causes), now)
    joined = merges.entering(workflow, moved.joined, causes)
    restored = {pk for pk in moved.joined if causes.get(pk) and all(is_existence(change) for change in causes[pk])}
    fresh = members(segment, {*joined, *renewed} - restored)
    trigger = trigger_segment(subscription.revision)
    if trigger is None or not (entering := sorted(members(trigger, fresh))):
        return
    told = told_of(trigger, entering, causes, now, version)
    enroll(workflow, entering, cause={"kind": "filter"}, causes=told, again=set(entering), now=now)


def members(segment: Segment, ids: Collection[int]) -> set[int]:
    found = Membership.objects.filter(segment=segment, record_id__in=ids)
    return set(found.values_list("record_id", flat=True)) if ids else set()


def told_of(
    trigger: Segment, ids: list[int], causes: Causes, now: dt.datetime, version: Version
) -> dict[int, dict[str, Any]]:
    """What each enrollment remembers: the change that led to it, and which filters the record meets."""
    answers = plan_of(trigger, now, version).leaves(ids)
    return {pk: cause_of(causes.get(pk, []), answers.get(pk, "")) for pk in ids}


def live_subscriptions(watched: Iterable[Segment]) -> dict[int, list[Subscription]]:
    """Those of live revisions that watch each of the segments; of workflows that are off there is none."""
    found: dict[int, list[Subscription]] = defaultdict(list)
    rows = (
        Subscription.objects.filter(
            segment__in=[segment.pk for segment in watched],
            revision=F("revision__workflow__live"),
            revision__workflow__deleted_at=None,
        )
        .exclude(revision__workflow__status=Workflow.Status.OFF)
        .select_related("revision__workflow__live")
    )
    for subscription in rows.order_by("pk"):
        found[subscription.segment_id].append(subscription)
    return found


def cause_of(changes: list[PendingChange], leaves: str) -> dict[str, Any]:
    """What an enrollment remembers of the last change that led to it; time leaves none."""
    cause: dict[str, Any] = {"kind": "filter", "leaves": leaves}
    if not changes:
        return cause | {"time": True}
    last, source = changes[-1], changes[-1].source or {}
    cause |= {"event_id" if last.kind == reacting.EVENT else "change": last.change_id}
    cause |= {"depth": max(change.depth for change in changes)}
    return cause | {name: source[name] for name in ("actor", "chain") if name in source}


def drop_deleted(pending: list[PendingChange], now: dt.datetime) -> None:
    """Deleted records leave every workflow; restoring them does not resume (UNE-09)."""
    deleted: dict[str, list[int]] = defaultdict(list)
    for change in pending:
        if change.kind == ChangeKind.DELETED:
            deleted[change.object_type].append(change.record_id)
    for slug, ids in deleted.items():
        enrollments = Enrollment.objects.filter(workflow__object_type=slug, record_id__in=ids)
        unenroll(enrollments, reason="record_deleted", by=None, now=now)
