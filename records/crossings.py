"""What time does to segments (TRG-21): not all records are compared, only those whose dates a boundary has gone past.

Where no index can tell which these are, all are compared, at a rhythm that bounds what it costs
(records.segments.refresh_all).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
import zoneinfo
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection

from records import segments, vocabulary
from records.associations import associations_of, leading_to
from records.criteria import Crossing
from records.criteria.crossing import READERS, followed
from records.criteria.dependencies import Underivable
from records.criteria.tree import Context
from records.models import Segment
from records.object_types import ObjectType, object_types
from records.plans import plan_of
from records.problems import DocumentError
from records.properties import Property
from records.vocabulary import Version

logger = logging.getLogger(__name__)

#: Key of the lock that lets one process at a time build indexes.
BUILDING = (7301, 3)
#: Segments whose indexes are built in a row.
AT_ONCE = 20


def look(now: dt.datetime, looked_at: Iterable[Segment] | None = None) -> Iterator[tuple[Segment, list[int] | None]]:
    """The segments that time may have changed since they were looked at, with the records to look at; None: all.

    Of `looked_at`, or of all that are due.

    The others are followed up to now with that, and so are these when their records have been looked at in the same
    transaction.
    """
    due = segments.due(now) if looked_at is None else list(looked_at)
    version = vocabulary.version() if due else ()
    followed_up = []
    for segment in due:
        try:
            ids = crossed(segment, now, version)
        except (Underivable, DocumentError):
            yield segment, None
            continue
        followed_up.append(segment.pk)
        if ids:
            yield segment, ids
    if followed_up:
        Segment.objects.filter(pk__in=followed_up).update(checked_at=now, check_at=now + segments.CHECK_EVERY)


def crossed(segment: Segment, now: dt.datetime, version: Version | None = None) -> list[int]:
    """The records of a segment of which time may have changed the answer since the segment was looked at.

    Raises Underivable where no index tells them, DocumentError when the criteria cannot be read any more.
    """
    if segment.checked_at is None:
        raise Underivable(str(segment.pk))
    group = plan_of(segment, now, version).compiled.criteria.group
    zone = zoneinfo.ZoneInfo(segment.time_zone)
    found: set[int] = set()
    for crossing in group.crossed(Context(segment.checked_at, zone), Context(now, zone)):
        found |= set(leading_back(object_types[segment.object_type], crossing))
    return sorted(found)


def leading_back(object_type: ObjectType, crossing: Crossing) -> Iterable[int]:
    """From the records that were crossed to those of the type the path starts from."""
    stations = [object_type]
    for slug in crossing.path:
        stations.append(associations_of(stations[-1])[slug].to)
    reached: Iterable[int] = list(crossing.ids)
    for station, slug in zip(reversed(stations[:-1]), reversed(crossing.path), strict=True):
        reached = leading_to(station, slug, reached)
    return reached


def unindexed_since(now: dt.datetime) -> dt.datetime | None:
    """`now` while a segment waits for the indexes its boundaries are found by."""
    waiting = Segment.objects.filter(indexed=False, time_sensitive=True, active=True)
    return now if waiting.exists() else None


def build_indexes(now: dt.datetime) -> int:
    """Give the segments that time changes the indexes they lack; how many segments were seen to.

    Nobody who writes records has to wait for that, so it cannot be done inside of a transaction: 0 then. Several
    processes may ask at once.
    """
    if connection.in_atomic_block:
        return 0
    waiting = list(Segment.objects.filter(indexed=False, time_sensitive=True, active=True).order_by("pk")[:AT_ONCE])
    if not waiting or not alone():
        return 0
    try:
        for segment in waiting:
            index(segment, now)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", BUILDING)
    return len(waiting)


def index(segment: Segment, now: dt.datetime) -> None:
    """Give one segment the indexes it lacks."""
    for object_type, prop in dates_of(segment, now):
        build(object_type, prop)
    Segment.objects.filter(pk=segment.pk).update(indexed=True)


def alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", BUILDING)
        return bool(cursor.fetchone()[0])


def dates_of(segment: Segment, now: dt.datetime) -> list[tuple[ObjectType, Property]]:
    """The dates of which boundaries are followed, with the types of the records that have them."""
    try:
        group = plan_of(segment, now).compiled.criteria.group
    except DocumentError:
        return []
    return [(leaf.object_type, leaf.property) for leaf in followed(group)]


def build(object_type: ObjectType, prop: Property) -> None:
    """An index on a date, unless there is one. What a build that was interrupted has left is built anew."""
    expression = indexed_expression(object_type, prop)
    if expression is None:
        return
    name = index_name(object_type, prop)
    how = "" if connection.in_atomic_block else "CONCURRENTLY"
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name])
        row = cursor.fetchone()
        if row is not None and row[0]:
            return
        if row is not None:
            cursor.execute(f"DROP INDEX {how} {name}")
        table = connection.ops.quote_name(object_type.table)
        logger.info("Index %s is being built for %s.%s", name, object_type.slug, prop.slug)
        began = time.monotonic()
        cursor.execute(f"CREATE INDEX {how} {name} ON {table} ({expression})")
    seconds = time.monotonic() - began
    logger.info("Index %s built for %s.%s in %.1f s", name, object_type.slug, prop.slug, seconds)


def index_name(object_type: ObjectType, prop: Property) -> str:
    place = prop.column or f"custom.{prop.slug}.{prop.type}"
    return f"clock_{hashlib.sha256(f'{object_type.slug}.{place}'.encode()).hexdigest()[:16]}"


def indexed_expression(object_type: ObjectType, prop: Property) -> str | None:
    """What the index is on; None where the model has one already, or none can be had."""
    if prop.column is not None:
        field = next(field for field in object_type.model._meta.concrete_fields if field.attname == prop.column)
        return None if has_index(object_type, field) else connection.ops.quote_name(str(field.column))
    if not prop.custom or prop.type not in READERS:
        return None
    return f"{READERS[prop.type][0]}(custom ->> '{prop.slug}')"


def has_index(object_type: ObjectType, field: Any) -> bool:
    firsts = {index.fields[0] for index in object_type.model._meta.indexes if index.fields and not index.condition}
    return bool(field.db_index or field.unique or field.name in firsts)
