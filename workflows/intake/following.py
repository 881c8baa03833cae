"""Following segments: whoever joined or left one is told, enrolled and unenrolled as its followers want."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import F

from records import refreshing, segments
from records.lists.telling import tell_of_segment
from records.models import Membership, PendingChange, Segment
from records.object_types import object_types
from records.plans import plan_of
from records.problems import DocumentError
from records.segments import is_existence
from records.vocabulary import Version
from workflows.enrollment import leaving, reenrolling
from workflows.enrollment.doors import GUARDS
from workflows.enrollment.enrolling import enroll
from workflows.enrollment.leaving import unenroll
from workflows.health import unreadable
from workflows.intake import merges, reacting
from workflows.intake.subscriptions import trigger_segment
from workflows.models import Enrollment, Subscription, Workflow

Purpose = Subscription.Purpose
Causes = dict[int, list[PendingChange]]


def follow_changes(
    touched: segments.Touched, now: dt.datetime, version: Version, *, suppressions: bool = True
) -> None:
    """Bring the segments up to date for changed records, all in one statement, and follow who joined and left.

    Without `suppressions` nobody is taken out of other workflows by a list: whom they are told of is queued, and
    taken out in the next round (workflows.enrollment.suppressing).

    One whose criteria cannot be read any more, because a property was removed behind our back, ends alone: its
    workflows are turned off, their audit log says why, and what the others wait for is dispatched.
    """
    readable: segments.Touched = {}
    for segment, causes in touched.items():
        try:
            plan_of(segment, now, version)
        except DocumentError as error:
            turn_off_followers(segment, error, now)
        else:
            readable[segment] = causes
    moved = refreshing.refresh(readable, now, version)
    listening = live_subscriptions(readable)
    for segment, causes in readable.items():
        heard = [one for one in listening[segment.pk] if suppressions or one.purpose != Purpose.SUPPRESSION]
        if moved[segment] or any(one.purpose == Purpose.REENROLLMENT for one in heard):
            try:
                with transaction.atomic():
                    tell_of_segment(segment, moved[segment], causes, now)
                    follow(segment, heard, moved[segment], causes, now, version)
            except DocumentError as error:
                turn_off_followers(segment, error, now)


def follow_time(
    segment: Segment, crossed: Collection[int] | None, now: dt.datetime, version: Version, *, suppressions: bool = True
) -> None:
    """Bring one up to date for the records whose dates time has gone past, or (None) for all."""
    try:
        with transaction.atomic():
            if crossed is None:
                moved = segments.refresh_all(segment, now)
            else:
                moved = segments.refresh(segment, crossed, now, version)
            tell_of_segment(segment, moved, {}, now)
            heard = live_subscriptions([segment])[segment.pk]
            heard = [one for one in heard if suppressions or one.purpose != Purpose.SUPPRESSION]
            follow(segment, heard, moved, {}, now, version)
    except DocumentError as error:
        turn_off_followers(segment, error, now)


def turn_off_followers(segment: Segment, error: DocumentError, now: dt.datetime) -> None:
    """Turn off the workflows whose criteria cannot be read, and say why."""
    Segment.objects.filter(pk=segment.pk).update(active=False)
    followers = live_subscriptions([segment])[segment.pk]
    unreadable.turn_off([subscription.revision.workflow for subscription in followers], error, now)


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
