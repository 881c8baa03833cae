"""Segments: criteria with stored memberships, so that joining and leaving are exact facts.

Memberships follow the journal (`affected`, then `refresh`) and, where time alone can change the answer, the clock
(records.crossings, then `refresh` or `refresh_all`).
"""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from records import criteria
from records.associations import associations_of, counted, leading_to
from records.criteria import Dependencies
from records.models import ChangeKind, Membership, PendingChange, RecordList, Segment, SegmentDependency
from records.models.segment import LISTED
from records.object_types import ObjectType, object_types
from records.plans import plan_of
from records.sql_arrays import array
from records.vocabulary import Version

ANY_CHANGE, LINKS, EXISTENCE = "*", "association", "+"
LIST_KINDS = ("list_joined", "list_left")
#: How often what time has done to a segment is looked for.
CHECK_EVERY = dt.timedelta(minutes=1)
#: Comparing a segment with all records is followed by a pause so many times as long as it took, if that is longer.
PAUSE_FACTOR = 100
#: How far behind the last look at the clock may be who has waited for the right to dispatch.
OVERTAKEN = dt.timedelta(hours=1)
#: Key of the lock that lets one transaction at a time bring memberships up to date or change what they follow.
LOCK = (7301, 1)

MAKE_MEMBERS = """
    INSERT INTO records_membership (segment_id, record_id, since)
    SELECT %s, record_id, %s FROM {matching} ON CONFLICT DO NOTHING RETURNING record_id
"""
# One statement, of which every part sees the memberships as they were before it.
REFRESH = """
    WITH asked AS MATERIALIZED (SELECT record_id FROM {matching} WHERE record_id = ANY(%s::bigint[])),
    joined AS (
        INSERT INTO records_membership (segment_id, record_id, since)
        SELECT %s, record_id, %s FROM asked ON CONFLICT DO NOTHING RETURNING record_id
    ),
    gone AS (
        DELETE FROM records_membership AS m WHERE segment_id = %s AND m.record_id = ANY(%s::bigint[])
            AND NOT EXISTS (SELECT FROM asked WHERE asked.record_id = m.record_id)
        RETURNING record_id
    )
    SELECT record_id, true FROM joined UNION ALL SELECT record_id, false FROM gone
"""


@dataclass(frozen=True)
class Transitions:
    """The records that began to match, and those that no longer do."""

    joined: list[int]
    left: list[int]

    def __bool__(self) -> bool:
        """Whether anybody has joined or left."""
        return bool(self.joined or self.left)


#: For each segment, the records that may have joined or left it, and what happened that may have done it.
Touched = dict[Segment, dict[int, list[PendingChange]]]


def create(document: dict[str, Any], object_type: ObjectType, *, now: dt.datetime, zone: str = "UTC") -> Segment:
    """A segment of these criteria, without members yet: see `fill`. Raises DocumentError."""
    return follow(Segment(object_type=object_type.slug), document, now=now, zone=zone)


def follow(segment: Segment, document: dict[str, Any], *, now: dt.datetime, zone: str = "UTC") -> Segment:
    """Have a segment follow these criteria from now on; its members are as they were. Raises DocumentError."""
    object_type = object_types[segment.object_type]
    dependencies = criteria.compile(document, object_type, now=now, zone=zone).dependencies
    with transaction.atomic():
        segment.criteria, segment.time_zone = document, str(zone)
        segment.time_sensitive, segment.indexed = dependencies.time_sensitive, not dependencies.time_sensitive
        segment.checked_at, segment.check_at = now, now + CHECK_EVERY
        segment.save()
        hold_lists(dependencies)
        SegmentDependency.objects.filter(segment=segment).delete()
        SegmentDependency.objects.bulk_create(
            SegmentDependency(
                segment=segment, object_type=kind, property=slug, path=[{"association": a} for a in path]
            )
            for kind, slug, path in sorted(watched(object_type, dependencies))
        )
    return segment


def hold_lists(dependencies: Dependencies) -> None:
    """Wait for who is just adding to the lists that criteria name: what is added later is told to who follows them."""
    names = {dependency.property for dependency in dependencies.properties}
    slugs = sorted(name.removeprefix(LISTED) for name in names if name.startswith(LISTED))
    if slugs:
        list(RecordList.objects.select_for_update(of=("self",)).filter(slug__in=slugs).order_by("pk").values("pk"))


def lock() -> None:
    """Wait for the right to change memberships by criteria, or which they follow; held until the transaction ends.

    Whoever makes a segment holds it from before the segment is filled: what is changed later is dispatched later.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK)


def watched(object_type: ObjectType, dependencies: Dependencies) -> set[tuple[str, str, tuple[str, ...]]]:
    """(object type, property, path) of all the segment must follow.

    Beyond what the criteria name: that records of the own type come and go, and those of every type on the way; and
    for `number_of_…` the links it counts and the coming and going of who is at their ends.
    """
    found: set[tuple[str, str, tuple[str, ...]]] = {(object_type.slug, EXISTENCE, ())}
    for dependency in dependencies.properties:
        path, place = dependency.path, object_type
        for i, slug in enumerate(path):
            place = associations_of(place)[slug].to
            found.add((place.slug, EXISTENCE, path[: i + 1]))
        counter = counted(place, dependency.property)
        if counter is None:
            found.add((place.slug, dependency.property, path))
        else:
            found |= {(place.slug, LINKS, path), (counter.to.slug, EXISTENCE, (*path, counter.slug))}
    return found


def fill(segment: Segment, now: dt.datetime) -> int:
    """Make the memberships what they should be, from nothing, and return how many there are. One INSERT … SELECT."""
    Membership.objects.filter(segment=segment).delete()
    Segment.objects.filter(pk=segment.pk).update(checked_at=now, check_at=now + CHECK_EVERY)
    sql, params = plan_of(segment, now).matching
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO records_membership (segment_id, record_id, since) SELECT %s, record_id, %s FROM {sql}",
            [segment.pk, now, *params],
        )
        return cursor.rowcount


def refresh(
    segment: Segment, record_ids: Iterable[int], now: dt.datetime, version: Version | None = None
) -> Transitions:
    """Look at these records again and say who joined and who left."""
    asked = array(sorted(set(record_ids)))
    now = not_before_the_clock(segment, now)
    sql, params = plan_of(segment, now, version).matching
    with connection.cursor() as cursor:
        facts = [*params, asked, segment.pk, now, segment.pk, asked]
        cursor.execute(REFRESH.format(matching=sql), facts)
        moved = cursor.fetchall()
    return Transitions(sorted(pk for pk, came in moved if came), sorted(pk for pk, came in moved if not came))


def not_before_the_clock(segment: Segment, now: dt.datetime) -> dt.datetime:
    """The instant to look at single records for.

    Who read the clock and then waited, while somebody else followed the segment up to a later instant, must not
    answer for the earlier one: nobody would look at what came to pass in between again.
    """
    late = segment.time_sensitive and segment.checked_at and now < segment.checked_at <= now + OVERTAKEN
    return segment.checked_at if late and segment.checked_at else now


def refresh_all(segment: Segment, now: dt.datetime) -> Transitions:
    """Look at every record again; takes longer pauses the longer that takes (TRG-21)."""
    began = time.monotonic()
    sql, params = plan_of(segment, now).matching
    with connection.cursor() as cursor:
        cursor.execute(MAKE_MEMBERS.format(matching=sql), [segment.pk, now, *params])
        joined = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            f"DELETE FROM records_membership AS m WHERE segment_id = %s "
            f"AND NOT EXISTS (SELECT FROM {sql} WHERE matching.record_id = m.record_id) RETURNING record_id",
            [segment.pk, *params],
        )
        left = [row[0] for row in cursor.fetchall()]
    pause = max(CHECK_EVERY, dt.timedelta(seconds=PAUSE_FACTOR * (time.monotonic() - began)))
    Segment.objects.filter(pk=segment.pk).update(checked_at=now, check_at=now + pause)
    return Transitions(sorted(joined), sorted(left))


def due(now: dt.datetime) -> list[Segment]:
    """The segments that time changes and that were not looked at for a while."""
    late = Q(check_at=None) | Q(check_at__lte=now)
    return list(Segment.objects.filter(late, active=True, time_sensitive=True).order_by("pk"))


def affected(pending: list[PendingChange]) -> dict[Segment, list[int]]:
    """The segments these changes may concern, and which of their records."""
    return {segment: sorted(records) for segment, records in touched(pending).items()}


def touched(pending: list[PendingChange]) -> Touched:
    """Like `affected`, with the changes that reach each record: its own, and those of records it is linked with.

    One whose records cannot be found, because a type or an association is gone, is there without any: its criteria
    cannot be read either (records.plans).
    """
    by_type: dict[str, list[PendingChange]] = defaultdict(list)
    for change in pending:
        by_type[change.object_type].append(change)
    # No other names: every segment follows that records come and go, and only few care about one change.
    names = {ANY_CHANGE}.union(*(change.properties for change in pending))
    names |= {LINKS} if any(is_link(change) for change in pending) else set()
    dependencies = SegmentDependency.objects.filter(
        Q(property__in=names)
        | Q(object_type__in={c.object_type for c in pending if is_existence(c) or concerns_all(c)}),
        object_type__in=by_type,
        segment__active=True,
    ).select_related("segment")
    found: Touched = {}
    lost: Touched = {}
    walks: dict[Any, dict[int, list[PendingChange]]] = {}
    for dependency in dependencies.order_by("pk"):
        changes = [change for change in by_type[dependency.object_type] if concerns(change, dependency.property)]
        if not changes:
            continue
        place = (dependency.segment.object_type, str(dependency.path), tuple(change.pk for change in changes))
        if place not in walks:
            path = tuple(step["association"] for step in dependency.path)
            try:
                walks[place] = walk_back(object_types[dependency.segment.object_type], path, changes)
            except KeyError:
                lost[dependency.segment] = {}
                continue
        records = found.setdefault(dependency.segment, {})
        for record_id, causes in walks[place].items():
            records[record_id] = sorted({*records.get(record_id, ()), *causes}, key=lambda change: change.pk)
    return lost | {segment: records for segment, records in found.items() if records}


def is_existence(change: PendingChange) -> bool:
    return change.kind in (ChangeKind.CREATED, ChangeKind.DELETED)


def concerns_all(change: PendingChange) -> bool:
    """Whether a change may have changed anything: with another record came its events, history and enrollments."""
    return change.kind == ChangeKind.MERGED


def is_link(change: PendingChange) -> bool:
    return change.kind in (ChangeKind.ASSOCIATED, ChangeKind.DISSOCIATED)


def concerns(change: PendingChange, slug: str) -> bool:
    """Whether a change is one of those a dependency names."""
    if concerns_all(change):
        return True
    if is_existence(change):
        return slug != LINKS
    if is_link(change):
        return slug == LINKS
    if change.kind in LIST_KINDS:
        return slug in change.properties
    return slug == ANY_CHANGE or slug in change.properties


def walk_back(
    object_type: ObjectType, path: tuple[str, ...], changes: list[PendingChange]
) -> dict[int, list[PendingChange]]:
    """From changed records at the end of a path of associations to the records of the type it starts from."""
    reached: dict[int, list[PendingChange]] = defaultdict(list)
    for change in changes:
        reached[change.record_id].append(change)
    stations = [object_type]
    for slug in path:
        stations.append(associations_of(stations[-1])[slug].to)
    for station, slug in zip(reversed(stations[:-1]), reversed(path), strict=True):
        if not reached:
            break
        reached = {own: reached[other] for own, other in leading_to(station, slug, reached).items()}
    return dict(reached)
