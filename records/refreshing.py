"""Looking at records again for many segments at once, in one statement: a change may concern hundreds of workflows."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from django.db import connection

from records import segments
from records.models import Segment
from records.plans import plan_of
from records.segments import Transitions
from records.sql_arrays import array
from records.vocabulary import Version

#: Segments in one statement at most: longer ones take the database more to plan than statements to send.
TOGETHER = 100
ASKED = (
    "SELECT %s::bigint AS segment_id, record_id, %s::timestamptz AS since FROM {matching} "
    "WHERE record_id = ANY(%s::bigint[])"
)
# One statement, of which every part sees the memberships as they were before it.
REFRESH = """
    WITH asked AS MATERIALIZED ({asked}),
    joined AS (
        INSERT INTO records_membership (segment_id, record_id, since)
        SELECT segment_id, record_id, since FROM asked ON CONFLICT DO NOTHING RETURNING segment_id, record_id
    ),
    gone AS (
        DELETE FROM records_membership AS m
        USING unnest(%s::bigint[], %s::bigint[]) AS concerned (segment_id, record_id)
        WHERE m.segment_id = concerned.segment_id AND m.record_id = concerned.record_id AND NOT EXISTS (
            SELECT FROM asked WHERE asked.segment_id = m.segment_id AND asked.record_id = m.record_id
        )
        RETURNING m.segment_id, m.record_id
    )
    SELECT segment_id, record_id, true FROM joined UNION ALL SELECT segment_id, record_id, false FROM gone
"""
Asked = Mapping[Segment, Collection[int]]


def refresh(asked: Asked, now: dt.datetime, version: Version | None = None) -> dict[Segment, Transitions]:
    """Look at these records again, each for its segment, and say who joined and who left.

    Raises DocumentError when the criteria of one cannot be read any more: nothing has changed then.
    """
    found: dict[Segment, Transitions] = {}
    waiting = iter(asked)
    while together := list(islice(waiting, TOGETHER)):
        if len(together) == 1:
            found[together[0]] = segments.refresh(together[0], asked[together[0]], now, version)
        else:
            found |= refresh_together({segment: asked[segment] for segment in together}, now, version)
    return found


def refresh_together(asked: Asked, now: dt.datetime, version: Version | None) -> dict[Segment, Transitions]:
    parts: list[str] = []
    params: list[Any] = []
    for segment, ids in asked.items():
        instant = segments.not_before_the_clock(segment, now)
        sql, facts = plan_of(segment, instant, version).matching
        parts.append(ASKED.format(matching=sql))
        params += [segment.pk, instant, *facts, array(sorted(set(ids)))]
    pairs = list(pairs_of(asked))
    params += [array([segment for segment, _record in pairs]), array([record for _segment, record in pairs])]
    with connection.cursor() as cursor:
        cursor.execute(REFRESH.format(asked=" UNION ALL ".join(parts)), params)
        moved = cursor.fetchall()
    came: dict[int, list[int]] = defaultdict(list)
    went: dict[int, list[int]] = defaultdict(list)
    for segment_id, record_id, joined in moved:
        (came if joined else went)[segment_id].append(record_id)
    return {segment: Transitions(sorted(came[segment.pk]), sorted(went[segment.pk])) for segment in asked}


def pairs_of(asked: Asked) -> Iterator[tuple[int, int]]:
    return ((segment.pk, record_id) for segment, ids in asked.items() for record_id in sorted(set(ids)))
