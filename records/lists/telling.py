"""What follows when records join a list or leave it: criteria that name it are asked again, events happen.

Criteria follow lists through the queue of changes: who joined or left is queued under the list's key, as a change of
a property is under the property's. So lists of lists are followed one after the other, in the order of the changes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from records.happening import happen, listened
from records.models import PendingChange, RecordList, Segment, SegmentDependency
from records.models.segment import LISTED
from records.segments import LIST_KINDS, Transitions
from records.signals import announce_on_commit
from records.sql_arrays import array

JOINED, LEFT = LIST_KINDS
#: The kind of a "change" that stands for an event where segments are looked at.
EVENT = "event"
#: Each says whether somebody beyond criteria wants to be told who joins or leaves a list: they are queued then.
ears: list[Callable[[RecordList], bool]] = []

QUEUE = """
    INSERT INTO records_pendingchange (change_id, object_type, record_id, kind, properties, source, depth, at)
    SELECT moved.change_id, %(object_type)s, moved.record_id, %(kind)s, ARRAY[%(key)s], moved.source, moved.depth,
        clock_timestamp()
    FROM jsonb_to_recordset(%(moved)s::jsonb) AS moved (record_id bigint, change_id bigint, source jsonb, depth int)
    ORDER BY moved.record_id
"""
QUEUE_ALIKE = """
    INSERT INTO records_pendingchange (change_id, object_type, record_id, kind, properties, source, depth, at)
    SELECT 0, %(object_type)s, moved.record_id, %(kind)s, ARRAY[%(key)s], context - 'depth',
        COALESCE((context ->> 'depth')::smallint, 0), clock_timestamp()
    FROM unnest(%(ids)s::bigint[]) AS moved (record_id),
        (SELECT NULLIF(current_setting('headrace.source', true), '')::jsonb) AS facts (context)
    ORDER BY moved.record_id
"""
NOTIFY = """
    SELECT pg_notify('headrace_changes',
        COALESCE(NULLIF(current_setting('headrace.source', true), '')::jsonb ->> 'kind', ''))
"""


@dataclass(frozen=True)
class Cause:
    """What of a change that moved a record goes on with what follows."""

    change_id: int
    source: dict[str, Any] | None
    depth: int


def key_of(slug: str) -> str:
    """Under which name a list is followed, like a property."""
    return f"{LISTED}{slug}"


def heard(found: RecordList) -> bool:
    """Whether anybody has to be told of who joins or leaves."""
    depends = SegmentDependency.objects.filter(
        object_type=found.object_type, property=key_of(found.slug), segment__active=True
    )
    return depends.exists() or any(ear(found) for ear in ears)


def tell_of_segment(
    segment: Segment, moved: Transitions, causes: Mapping[int, Sequence[PendingChange]], now: dt.datetime
) -> None:
    """Tell of who joined or left a segment, if a list stands on it, with what caused it."""
    if not (moved.joined or moved.left):
        return
    found = RecordList.objects.filter(segment=segment).first()
    if found is not None:
        lasts = {pk: changes[-1] for pk, changes in causes.items() if changes}
        tell(found, moved, now, {pk: cause_of(last) for pk, last in lasts.items()})


def cause_of(last: PendingChange) -> Cause:
    """What goes on of the last change. An event goes on without its id: among changes that is another's."""
    return Cause(0 if last.kind == EVENT else last.change_id, last.source, last.depth)


def tell(found: RecordList, moved: Transitions, now: dt.datetime, causes: Mapping[int, Cause] | None = None) -> None:
    """Tell of who joined or left a list. Without `causes` the surrounding `change_source` is the cause of all."""
    queued = heard(found)
    for kind, ids in ((JOINED, moved.joined), (LEFT, moved.left)):
        if not ids:
            continue
        if queued:
            queue(found, kind, ids, causes)
        if listened(kind, found.object_type):
            happen(kind, found.object_type, ids, properties={"list": found.slug}, now=now)


def queue(found: RecordList, kind: str, ids: Iterable[int], causes: Mapping[int, Cause] | None) -> None:
    facts: dict[str, Any] = {"object_type": found.object_type, "kind": kind, "key": key_of(found.slug)}
    with connection.cursor() as cursor:
        if causes:
            none = Cause(0, None, 0)
            rows = [{"record_id": pk, **vars(causes.get(pk, none))} for pk in ids]
            cursor.execute(QUEUE, facts | {"moved": json.dumps(rows)})
        else:
            cursor.execute(QUEUE_ALIKE, facts | {"ids": array(ids)})
        cursor.execute(NOTIFY)
    announce_on_commit()
