"""The parts of a round of dispatching, in their order, each of which may fail alone (workflows.intake.isolating).

Together they cost what they would cost in a row; told from one another, where something raises or is set aside, a
statement more here and there.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from django.db.models import QuerySet

from records import crossings, segments, vocabulary
from records.lists.telling import JOINED
from records.models import ChangeKind, PendingChange, PendingEvent, Segment
from records.object_types import object_types
from workflows.enrollment import suppressing
from workflows.enrollment.leaving import entered_after, unenroll
from workflows.intake import deriving, following, judging, occurrences, reacting
from workflows.intake.isolating import (
    DELETION,
    DERIVATION,
    LOOKUP,
    MERGE,
    REACTION,
    SUPPRESSION,
    WAITING,
    Care,
    Concerned,
    Part,
    Thing,
    Work,
    part_of,
)
from workflows.intake.taking import Taken
from workflows.models import Enrollment
from workflows.movers import enrollments as merged_enrollments


def derive(pending: Sequence[PendingChange], now: dt.datetime, care: Care) -> int:
    """Record the events that follow from changes; how many there are. Nothing is asked when none can."""
    work: Work = {
        Part(DERIVATION, object_type=slug, name=name): some
        for (slug, name), some in deriving.rules_for(pending).items()
    }
    return care.run(work, partial(derive_by, now=now)) if work else 0


def derive_by(work: Work, now: dt.datetime) -> int:
    return deriving.derive({(part.object_type, part.name): changes_in(some) for part, some in work.items()}, now)


def see_to(taken: Taken, told: Sequence[PendingEvent], now: dt.datetime, care: Care) -> int:
    """Do with what was taken all that is to be done with it; how many waits for events were checked."""
    pending = taken.changes
    # First, so that a record deleted and restored meanwhile does not leave again what it enters now.
    follow_merges([change for change in pending if change.kind == ChangeKind.MERGED], now, care)
    drop_deleted([change for change in pending if change.kind == ChangeKind.DELETED], now, care)
    suppress([change for change in pending if change.kind == JOINED], now, care)
    checked = wake([*pending, *told], now, care) if taken.waits else 0
    if taken.subscriptions:
        react([*pending, *told], now, care)
    look_up([*pending, *reacting.as_changes(told)], now, care)
    if taken.segments:
        look_at_time(now, care)
    return checked


def follow_merges(merges: Sequence[PendingChange], now: dt.datetime, care: Care) -> None:
    if merges:
        care.run({Part(MERGE): merges}, partial(follow_merges_by, now=now))


def follow_merges_by(work: Work, now: dt.datetime) -> None:
    for some in work.values():
        merged_enrollments.follow(changes_in(some))


def drop_deleted(deleted: Sequence[PendingChange], now: dt.datetime, care: Care) -> None:
    """Deleted records leave every workflow; restoring them does not resume (UNE-09)."""
    if not deleted:
        return
    work: Work = {Part(DELETION): deleted}
    if care.by_part:
        inside = {
            (slug, workflow_id)
            for slug, ids in by_type(deleted).items()
            for workflow_id in inside_of(slug, ids).values_list("workflow", flat=True).distinct()
        }
        work = {
            Part(DELETION, object_type=slug, workflow=workflow_id): [one for one in deleted if one.object_type == slug]
            for slug, workflow_id in sorted(inside)
        }
    care.run(work, partial(drop_deleted_by, now=now))


def drop_deleted_by(work: Work, now: dt.datetime) -> None:
    for part, some in work.items():
        moments = {(one.object_type, one.record_id): one.at for one in changes_in(some)}
        for slug, ids in by_type(changes_in(some)).items():
            enrollments = inside_of(slug, ids)
            if part.workflow is not None:
                enrollments = enrollments.filter(workflow=part.workflow)
            # Who was restored meanwhile and has entered since stays.
            back = object_types[slug].records().filter(pk__in=ids).values_list("pk", flat=True)
            if restored := {pk: moments[slug, pk] for pk in back}:
                here = enrollments.filter(record_id__in=restored)
                enrollments = enrollments.exclude(pk__in=entered_after(here, restored))
            unenroll(enrollments, reason="record_deleted", by=None, now=now)


def inside_of(slug: str, ids: Collection[int]) -> QuerySet[Enrollment]:
    """The enrollments of records of a type, also those that have ended."""
    return Enrollment.objects.filter(workflow__object_type=slug, record_id__in=ids)


def suppress(joined: Sequence[PendingChange], now: dt.datetime, care: Care) -> None:
    """Who joins a suppression list leaves the workflows it is for."""
    if not joined:
        return
    work: Work = {Part(SUPPRESSION): joined}
    if care.by_part:
        found: dict[int, set[int]] = defaultdict(set)
        for guard, ids in suppressing.concerned(joined):
            found[guard.revision.workflow_id].update(ids)
        work = {
            Part(SUPPRESSION, workflow=workflow_id): [one for one in joined if one.record_id in found[workflow_id]]
            for workflow_id in sorted(found)
        }
    care.run(work, partial(suppress_by, now=now))


def suppress_by(work: Work, now: dt.datetime) -> None:
    for part, some in work.items():
        suppressing.follow(changes_in(some), now, part.workflow)


def wake(occurred: Sequence[Thing], now: dt.datetime, care: Care) -> int:
    """Let go on who waits for these; how many waits were checked besides."""
    return care.run({Part(WAITING): occurred}, partial(wake_by, now=now, careful=care.careful))


def wake_by(work: Work, now: dt.datetime, *, careful: bool) -> int:
    return sum(occurrences.look(changes_in(some), now, events_in(some), careful=careful) for some in work.values())


def react(occurred: Sequence[PendingChange | PendingEvent], now: dt.datetime, care: Care) -> None:
    """Enroll by event triggers."""
    subscriptions = reacting.interested(changes_in(occurred), events_in(occurred))
    if not subscriptions:
        return
    if not care.by_part:
        reacting.react(changes_in(occurred), events_in(occurred), now, subscriptions)
        return
    work: dict[Part, list[Thing]] = {}
    for one in occurred:
        for workflow_id in {s.revision.workflow_id for s in subscriptions if judging.names(s, one)}:
            work.setdefault(Part(REACTION, workflow=workflow_id), []).append(one)
    care.run({**work}, partial(react_by, now=now))


def react_by(work: Work, now: dt.datetime) -> None:
    for part, some in work.items():
        changes, events = changes_in(some), events_in(some)
        subscriptions = reacting.interested(changes, events)
        reacting.react(changes, events, now, [s for s in subscriptions if s.revision.workflow_id == part.workflow])


def look_up(happened: Sequence[PendingChange], now: dt.datetime, care: Care) -> None:
    """Find the segments that changes may concern, and follow them."""
    touched: segments.Touched = {}
    if care.by_part:
        care.run({Part(LOOKUP): happened}, partial(look_up_by, found=touched))
    else:
        touched = segments.touched(list(happened))
    follow(dict(sorted(touched.items(), key=lambda item: item[0].pk)), now, care)


def look_up_by(work: Work, found: segments.Touched) -> None:
    for some in work.values():
        for segment, records in segments.touched(changes_in(some)).items():
            known = found.setdefault(segment, {})
            for record_id, causes in records.items():
                known[record_id] = [*known.get(record_id, []), *causes]


def follow(touched: segments.Touched, now: dt.datetime, care: Care) -> None:
    """Bring segments up to date for the records that changes have reached, and follow who joined and left."""
    if not touched:
        return
    if not care.by_part:
        following.follow_changes(touched, now, vocabulary.version())
        return
    work: Work = {
        part_of(segment): [Concerned(record_id, causes) for record_id, causes in records.items()]
        for segment, records in touched.items()
    }
    follow_with_care({part_of(segment): segment for segment in touched}, work, now, care)


def follow_with_care(by_part: Mapping[Part, Segment], work: Work, now: dt.datetime, care: Care) -> None:
    version = vocabulary.version()

    def follow_by(work: Work) -> None:
        some: segments.Touched = {
            by_part[part]: {one.record_id: one.causes for one in concerned_in(things) if one.record_id is not None}
            for part, things in work.items()
        }
        following.follow_changes(some, now, version, suppressions=False)

    care.run(work, follow_by)


def look_at_time(now: dt.datetime, care: Care) -> None:
    """Follow the segments that time may have changed."""
    if care.by_part:
        for segment in segments.due(now):
            look_at_time_of(segment, now, care)
        return
    for segment, crossed in crossings.look(now):
        following.follow_time(segment, crossed, now, vocabulary.version())


def look_at_time_of(segment: Segment, now: dt.datetime, care: Care) -> None:
    part = part_of(segment)
    found: list[tuple[Segment, list[int] | None]] = []
    care.run({part: [Concerned(None)]}, lambda _work: found.extend(crossings.look(now, [segment])))
    version = vocabulary.version() if found else ()

    def follow_by(work: Work) -> None:
        ids = [one.record_id for one in work[part]]
        crossed = None if None in ids else [pk for pk in ids if pk is not None]
        following.follow_time(segment, crossed, now, version, suppressions=False)

    for _segment, crossed in found:
        care.run({part: [Concerned(pk) for pk in ([None] if crossed is None else crossed)]}, follow_by)


def try_again(part: Part, things: Sequence[Thing], care: Care, now: dt.datetime) -> None:
    """Do for a part what was set aside for it. What is gone meanwhile has nothing to be done for."""
    if part.segment is not None:
        segment = Segment.objects.filter(pk=part.segment, active=True).first()
        if segment is None:
            return
        if reached := [one for one in things if one.record_id is not None]:
            follow_with_care({part: segment}, {part: reached}, now, care)
        if len(reached) < len(things):
            look_at_time_of(segment, now, care)
    elif part.kind == LOOKUP:
        touched: segments.Touched = {}
        care.run({part: things}, partial(look_up_by, found=touched))
        follow(touched, now, care)
    else:
        care.run({part: things}, partial(AGAIN[part.kind], now=now))


AGAIN: dict[str, Callable[..., int | None]] = {
    DERIVATION: derive_by, MERGE: follow_merges_by, DELETION: drop_deleted_by, SUPPRESSION: suppress_by,
    WAITING: partial(wake_by, careful=True), REACTION: react_by,
}  # fmt: skip


def changes_in(things: Iterable[Thing]) -> list[PendingChange]:
    return [one for one in things if isinstance(one, PendingChange)]


def events_in(things: Iterable[Thing]) -> list[PendingEvent]:
    return [one for one in things if isinstance(one, PendingEvent)]


def concerned_in(things: Iterable[Thing]) -> list[Concerned]:
    return [one for one in things if isinstance(one, Concerned)]


def by_type(changes: Iterable[PendingChange]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for change in changes:
        found[change.object_type].append(change.record_id)
    return found
