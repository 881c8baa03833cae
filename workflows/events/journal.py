"""Events the journal of changes tells of."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from records import criteria
from records.associations import associations_of, links_of
from records.clock import database_now
from records.models import Change, ChangeKind, PendingChange
from records.object_types import ObjectType, object_types
from workflows.events.base import ZONE, Event, Wait

#: Ids are given while a change is made, so a change with a larger id was made later, whenever it is committed.
NEWEST = "COALESCE(pg_sequence_last_value('records_change_id_seq'::regclass), 0)"
#: No property has such a name: a record was created, was linked with a record of a type, or no longer is.
CREATED, ASSOCIATED, DISSOCIATED = "+", "+", "-"
SIGNS: dict[str, str] = {
    ChangeKind.UPDATED: "", ChangeKind.ASSOCIATED: ASSOCIATED, ChangeKind.DISSOCIATED: DISSOCIATED
}  # fmt: skip
#: The journal is partitioned by time; this is how far the clock may have been set back meanwhile.
SLACK = dt.timedelta(days=1)

# What a record has from one that was merged into it happened before. One look into the index per record, whatever the
# planner thinks of the journal's size: hence OFFSET 0.
SINCE = """
    SELECT w.place, c.id, c.record_id, c.kind, c.before, c.after, c.at
    FROM unnest(%(types)s::text[], %(records)s::bigint[], %(marks)s::bigint[])
        WITH ORDINALITY AS w (object_type, record_id, mark, place),
        LATERAL (
            SELECT * FROM records_change c
            WHERE c.object_type = w.object_type AND c.record_id = w.record_id AND c.id > w.mark
                AND c.kind = ANY(%(kinds)s) AND c.at >= %(earliest)s
                AND (c.source -> 'merged_from') IS NULL
            OFFSET 0
        ) AS c
    ORDER BY w.place, c.id
"""


@dataclass(frozen=True, slots=True)
class Happened:
    """One change as an event looks at it."""

    id: int
    record_id: int
    kind: str
    before: dict[str, Any]
    after: dict[str, Any]
    at: dt.datetime


def details_of(change: PendingChange) -> list[str]:
    """What triggers name of a change: the properties it changed, or what came into being, was linked or unlinked."""
    if change.kind == ChangeKind.CREATED:
        return [CREATED]
    sign = SIGNS.get(change.kind)
    return [] if sign is None else [f"{sign}{name}" for name in change.properties]


def source_of(object_type: str) -> str:
    """Where the changes of an object type's records come from, as waits name it."""
    return f"change:{object_type}"


class JournalEvent(Event):
    """An event that is a change: of the record itself, or (`Want.through`) of a record associated with it."""

    mark = NEWEST
    #: The kinds of change that may be it.
    kinds: tuple[str, ...] = ("updated",)

    @abstractmethod
    def fits(self, wait: Wait, change: Happened) -> bool:
        """Whether a change of one of `kinds` is what is waited for."""

    def found(self, waits: Sequence[Wait]) -> dict[int, dt.datetime]:
        met: dict[int, dt.datetime] = {}
        fitting = [pair for pair in changes_since(list(watched(waits)), self.kinds) if self.fits(*pair)]
        passing = self.passing(fitting)
        for wait, change in fitting:
            if wait.id not in met and (wait.id, change.id) in passing:
                met[wait.id] = change.at
        return met

    def passing(self, fitting: Sequence[tuple[Wait, Happened]]) -> set[tuple[int, int]]:
        """Of these changes, by wait and change, those that pass the wait's filters on the event's properties."""
        asked: dict[str, list[tuple[Wait, Happened]]] = {}
        for wait, change in fitting:
            text = json.dumps([wait.object_type, wait.wanted] if wait.wanted.get("where") else None, sort_keys=True)
            asked.setdefault(text, []).append((wait, change))
        found = set()
        for pairs in asked.values():
            wanted, slug = pairs[0][0].wanted, pairs[0][0].object_type
            ids = {change.id for _wait, change in pairs}
            rows = self.rows(wanted, object_types[slug]) if wanted.get("where") else None
            if rows is not None:
                changes = [change for _wait, change in pairs]
                ids = passing_changes(rows, wanted["where"], changes, wanted.get(ZONE, "UTC"))
            found |= {(wait.id, change.id) for wait, change in pairs if change.id in ids}
        return found


def passing_changes(
    rows: ObjectType, where: list[Any], changes: Sequence[Happened], zone: str | zoneinfo.ZoneInfo = "UTC"
) -> set[int]:
    """The ids of the changes that pass filters on their values. One statement."""
    compiled = criteria.compile({"all": where}, rows, now=database_now(), zone=zone, stored=True)
    moments = [change.at for change in changes]
    found = Change.objects.filter(
        compiled.q, pk__in=[change.id for change in changes], at__gte=min(moments), at__lte=max(moments)
    )
    return set(found.values_list("pk", flat=True))


def watched(waits: Sequence[Wait]) -> Iterator[tuple[Wait, str, int]]:
    """Each wait with the type and id of every record whose changes are looked at for it."""
    ways: dict[tuple[str, str], list[Wait]] = {}
    for wait in waits:
        if wait.through:
            ways.setdefault((wait.object_type, wait.through), []).append(wait)
        else:
            yield wait, wait.object_type, wait.record_id
    for (slug, through), group in ways.items():
        object_type = object_types[slug]
        far = associations_of(object_type)[through].to.slug
        linked: dict[int, list[int]] = {}
        for own, other in links_of(object_type, through, own=[wait.record_id for wait in group]):
            linked.setdefault(own, []).append(other)
        for wait in group:
            for other in linked.get(wait.record_id, ()):
                yield wait, far, other


def changes_since(asked: Sequence[tuple[Wait, str, int]], kinds: Iterable[str]) -> Iterator[tuple[Wait, Happened]]:
    """The changes of these records after the mark of the wait each is asked for, in order. One statement."""
    if not asked:
        return
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {
            "types": [object_type for _wait, object_type, _record in asked],
            "records": [record_id for _wait, _type, record_id in asked],
            "marks": [wait.mark for wait, _type, _record in asked],
            "kinds": list(kinds),
            "earliest": min(wait.since for wait, _type, _record in asked) - SLACK,
        }
        cursor.execute(SINCE, facts)
        rows = cursor.fetchall()
    for place, change_id, record_id, kind, before, after, at in rows:
        yield asked[place - 1][0], Happened(change_id, record_id, kind, json.loads(before), json.loads(after), at)
