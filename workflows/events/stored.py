"""The event types of records.event_types: what forms, trackers, other systems and custom events tell of."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from records import criteria
from records.clock import database_now
from records.criteria.event_rows import EVENT_PREFIX, event_rows
from records.event_types import EventType
from records.lists.telling import key_of
from records.models import Event as EventRow
from records.object_types import ObjectType
from records.segments import LIST_KINDS
from workflows.events.base import ZONE, Event, Wait, Want
from workflows.events.journal import SLACK
from workflows.step_forms.params import StepContext

#: Ids are given while an event is recorded, so one with a larger id was recorded later, whenever it is committed.
NEWEST = "COALESCE(pg_sequence_last_value('records_event_id_seq'::regclass), 0)"


def event_source(slug: str) -> str:
    """Where the occurrences of an event type come from, as waits and triggers name it."""
    return f"{EVENT_PREFIX}{slug}"


class StoredEvent(Event):
    """An event type as something to wait for and to be triggered by."""

    mark = NEWEST

    def __init__(self, kind: EventType) -> None:
        self.kind = kind
        self.slug, self.label, self.category = kind.slug, kind.label, kind.category
        self.unfinished = kind.unfinished
        self.permission = kind.permission

    def offered(self, object_type: ObjectType) -> bool:
        return self.kind.happens_to(object_type.slug)

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        """The lists that are named: who joins one that looks at a property tells its value."""
        named = lists_named(document.get("where")) if self.slug in LIST_KINDS else set()
        return {f"{context.object_type.slug}.{key_of(slug)}" for slug in named}

    def rows(self, document: dict[str, Any], object_type: ObjectType) -> ObjectType | None:
        return event_rows(self.kind)

    def want(self, params: dict[str, Any], context: StepContext) -> Want:
        return Want(event_source(self.slug), "", self.filters(params, context))

    def found(self, waits: Sequence[Wait]) -> dict[int, dt.datetime]:
        """What was told of since the wait began and did not occur before (DLY-08); a statement per set of filters."""
        met: dict[int, dt.datetime] = {}
        for where, group in groupby(sorted(waits, key=where_text), key=where_text):
            asked = list(group)
            for record_id, event_id, at in self.occurrences(asked, *json.loads(where)):
                for wait in asked:
                    later = at >= wait.since or self.kind.ours
                    if wait.record_id == record_id and event_id > wait.mark and later:
                        met[wait.id] = min(at, met.get(wait.id, at))
        return met

    def occurrences(
        self, waits: Sequence[Wait], where: list[Any], zone: str
    ) -> Sequence[tuple[int, int, dt.datetime]]:
        found = EventRow.objects.filter(
            event=self.slug,
            object_type=waits[0].object_type,
            record_id__in=[wait.record_id for wait in waits],
            occurred_at__gte=min(wait.since for wait in waits) - (SLACK if self.kind.ours else dt.timedelta()),
            id__gt=min(wait.mark for wait in waits),
        )
        if where:
            rows = event_rows(self.kind)
            filters = criteria.compile({"all": where}, rows, now=database_now(), zone=zone, stored=True)
            found = found.filter(filters.q)
        return list(found.values_list("record_id", "id", "occurred_at"))


def lists_named(where: Any) -> set[str]:
    """The internal names of lists in filters on the list that was joined or left."""
    if isinstance(where, list):
        return set().union(*(lists_named(part) for part in where))
    if not isinstance(where, dict):
        return set()
    if where.get("property") != "list":
        return lists_named([part for part in where.values() if isinstance(part, list)])
    value = where.get("value")
    return {one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)}


def where_text(wait: Wait) -> str:
    return json.dumps([wait.wanted.get("where") or [], wait.wanted.get(ZONE, "UTC")], sort_keys=True)
