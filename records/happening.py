"""Happening: the one verb that records events, set-based and at most once for each id a sender has given them.

    happen("form_submitted", "contact", [12], properties={"form": "Demo"}, now=now, key="5f0c…")

For events of types that are not `counted`, ask `listened` first: recording what nobody waits for costs time only.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from records.event_types import EventType, event_type, known_event_types
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem, unknown_keys
from records.properties import Property
from records.signals import announce_on_commit

#: How far a sender's clock may be ahead of ours.
AHEAD = dt.timedelta(minutes=5)
#: Nothing has happened before: what is older is a clock that was never set, or a year PostgreSQL writes another way.
EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
KEY_LIMIT = 255
#: The source of what was told before anybody knew to whom it happened: filters count it, triggers do not (TRG-33).
EARLIER = {"earlier": True}
#: Each says whether anybody would notice an occurrence of an event type on an object type.
listeners: list[Callable[[str, str], bool]] = []
#: What is kept of every occurrence of an event type besides the events themselves: called with the rows of each
#: statement, each with its "object_type", in its transaction.
keepers: dict[str, list[Callable[[Sequence[Mapping[str, Any]], dt.datetime], None]]] = {}

# Ids are given here, so that the caller learns which of its rows became which event. Keys are taken in their order:
# two senders of the same batch wait for each other instead of blocking one another.
RECORD = """
    WITH facts AS (SELECT COALESCE(
        %(source)s::jsonb, NULLIF(current_setting('headrace.source', true), '')::jsonb
    ) AS context),
    given AS MATERIALIZED (
        SELECT g.* FROM jsonb_to_recordset(%(rows)s::jsonb)
            AS g (place int, record_id bigint, properties jsonb, occurred_at timestamptz, key text)
    ),
    known AS MATERIALIZED (
        SELECT given.* FROM given JOIN {table} AS record ON record.{id} = given.record_id {live}
    ),
    taken AS (
        INSERT INTO records_eventkey (event, key, at)
        SELECT %(event)s, key, %(now)s FROM known WHERE key IS NOT NULL ORDER BY key
        ON CONFLICT DO NOTHING RETURNING key
    ),
    fresh AS MATERIALIZED (
        SELECT nextval('records_event_id_seq') AS id, chosen.* FROM (
            SELECT DISTINCT ON (COALESCE(key, ''), CASE WHEN key IS NULL THEN place END) * FROM known
            WHERE key IS NULL OR key IN (SELECT key FROM taken)
            ORDER BY COALESCE(key, ''), CASE WHEN key IS NULL THEN place END, place
        ) AS chosen ORDER BY place
    ),
    made AS (
        INSERT INTO records_event (id, event, object_type, record_id, properties, occurred_at, received_at, key,
            source, depth)
        SELECT id, %(event)s, %(object_type)s, record_id, properties, occurred_at, %(now)s, key,
            context - 'depth', COALESCE((context ->> 'depth')::smallint, 0)
        FROM fresh, facts
    ),
    queued AS (
        INSERT INTO records_pendingevent (event_id, event, object_type, record_id, occurred_at, source, depth, at)
        SELECT id, %(event)s, %(object_type)s, record_id, occurred_at,
            context - 'depth', COALESCE((context ->> 'depth')::smallint, 0), clock_timestamp()
        FROM fresh, facts ORDER BY id
    )
    SELECT known.place, fresh.id FROM known LEFT JOIN fresh ON fresh.place = known.place
"""
NOTIFY = "SELECT pg_notify('headrace_changes', 'event')"


@dataclass(frozen=True)
class Occurrence:
    """One occurrence as a sender tells it. `properties` are values from outside; `key` is the sender's own id."""

    record_id: int
    properties: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: dt.datetime | None = None
    key: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of the occurrences, by their places: the new events' ids, those known before, those of no record."""

    made: dict[int, int] = field(default_factory=dict)
    repeated: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)


def listened(event: str, object_type: str) -> bool:
    """Whether anything would notice an occurrence now."""
    return any(listener(event, object_type) for listener in listeners)


def happen(
    event: str,
    object_type: ObjectType | str,
    records: Iterable[int | Occurrence],
    *,
    now: dt.datetime,
    properties: Mapping[str, Any] | None = None,
    occurred_at: dt.datetime | None = None,
    key: str | None = None,
    source: Mapping[str, Any] | None = None,
) -> Recorded:
    """Record that an event happened to these records; one statement however many they are.

    `records` are ids, for which `properties`, `occurred_at` (`now` where left out) and `key` hold, or Occurrences with
    their own. An occurrence with a key is recorded once per event type; where one key is given for several ids, the
    record's id is added to it. A record has to exist before what happens to it (TRG-33): an event that comes with
    the creation of its record must not be older. `source` says what caused it, with its `depth` in the causal chain;
    left out it is that of the surrounding `change_source`.

    Records that do not exist (any more) are passed over and named in the answer. Raises DocumentError for an unknown
    event type, one that does not happen to such records, and properties that do not fit; then nothing was recorded.
    """
    kind = object_types[object_type] if isinstance(object_type, str) else object_type
    properties = properties or {}
    occurrences = [
        one if isinstance(one, Occurrence) else Occurrence(one, properties, occurred_at, key) for one in records
    ]
    shared = key is not None and len(occurrences) > 1
    checked, problems = check(event, kind, occurrences, now=now)
    if problems:
        raise DocumentError(problem for place in sorted(problems) for problem in problems[place])
    rows = [
        row | ({"key": f"{row['key']}/{row['record_id']}"} if shared and row["key"] else {})
        for row in checked.values()
    ]
    return record(event, kind, rows, now=now, source=source)


def check(
    event: str, object_type: ObjectType, occurrences: Sequence[Occurrence], *, now: dt.datetime
) -> tuple[dict[int, dict[str, Any]], dict[int, list[Problem]]]:
    """The rows to record, and what is wrong with the others, by place; nothing is written.

    An unknown event type is a problem of every occurrence, with the path "event".
    """
    kind = event_type(event)
    wrong = type_problem(event, kind, object_type)
    if kind is None or wrong is not None:
        return {}, {place: [wrong] for place in range(len(occurrences)) if wrong is not None}
    known = kind.known_properties()
    rows: dict[int, dict[str, Any]] = {}
    problems: dict[int, list[Problem]] = {}
    # What holds for all records of a call is read once: options may have to be looked up.
    read: dict[int, tuple[dict[str, Any], list[Problem]]] = {}
    for place, one in enumerate(occurrences):
        if id(one.properties) not in read:
            read[id(one.properties)] = read_properties(one.properties, known)
        stored, faults = read[id(one.properties)]
        faults = faults + moment_problems(one.occurred_at, now) + key_problems(one.key)
        if faults:
            problems[place] = faults
            continue
        at = one.occurred_at or now
        rows[place] = {
            "place": place, "record_id": one.record_id, "properties": stored, "occurred_at": at.isoformat(),
            "key": one.key,
        }  # fmt: skip
    return rows, problems


def record(
    event: str,
    object_type: ObjectType,
    rows: Sequence[Mapping[str, Any]],
    *,
    now: dt.datetime,
    source: Mapping[str, Any] | None = None,
) -> Recorded:
    """Write rows that `check` has found good."""
    if not rows:
        return Recorded()
    sql = RECORD.format(
        table=connection.ops.quote_name(object_type.table),
        id=connection.ops.quote_name(object_type.key),
        live="AND record.deleted_at IS NULL" if object_type.soft_deletes else "",
    )
    facts: dict[str, Any] = {
        "rows": json.dumps(list(rows)), "event": event, "object_type": object_type.slug, "now": now,
        "source": None if source is None else json.dumps(source),
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, facts)
        found = dict(cursor.fetchall())
        made = {place: event_id for place, event_id in sorted(found.items()) if event_id is not None}
        if made:
            for keeper in keepers.get(event, ()):
                keeper([{**row, "object_type": object_type.slug} for row in rows if row["place"] in made], now)
            cursor.execute(NOTIFY)
            announce_on_commit()
    places = [row["place"] for row in rows]
    return Recorded(
        made,
        sorted(place for place, event_id in found.items() if event_id is None),
        [place for place in places if place not in found],
    )


def type_problem(event: object, kind: EventType | None, object_type: ObjectType) -> Problem | None:
    """What is wrong with the event's name; None when it happens to such records."""
    if kind is not None and kind.happens_to(object_type.slug):
        return None
    known = ", ".join(known_event_types(object_type.slug)) or _("none")
    if kind is None:
        message = _("There is no event %(value)r. Use one of: %(known)s.")
    else:
        message = _("The event %(value)r does not happen to %(records)s. Use one of: %(known)s.")
    values = {"value": event, "known": known, "records": object_type.label_plural}
    return Problem("event", message % values, event, code="unknown_event")


def read_properties(given: Mapping[str, Any], known: Mapping[str, Property]) -> tuple[dict[str, Any], list[Problem]]:
    """The values as they are stored, and every problem with its path."""
    faults = unknown_keys(dict(given), known, "properties")
    stored: dict[str, Any] = {}
    for slug, prop in known.items():
        path = f"properties.{slug}"
        try:
            value = prop.clean(given.get(slug))
        except ValueError as error:
            faults.append(Problem(path, str(error), given.get(slug)))
            continue
        if value is not None:
            stored[slug] = prop.kind.to_storage(value)
        elif prop.required:
            message = _("“%(property)s” is missing. Send it: every such event has one.")
            faults.append(Problem(path, message % {"property": prop.label}, code="missing"))
    return stored, faults


def moment_problems(at: dt.datetime | None, now: dt.datetime) -> list[Problem]:
    if at is None or EARLIEST <= at <= now + AHEAD:
        return []
    if at < EARLIEST:
        message = _("“%(value)s” lies before 1970. Send when it happened, or leave “occurred_at” out.")
    else:
        message = _("“%(value)s” lies in the future. Send when it happened, or leave “occurred_at” out.")
    return [Problem("occurred_at", message % {"value": at.isoformat()}, at.isoformat())]


def key_problems(key: str | None) -> list[Problem]:
    if key is None or (key.isprintable() and 1 <= len(key) <= KEY_LIMIT):
        return []
    message = _("An id of an event has 1 to %(limit)d printable characters.") % {"limit": KEY_LIMIT}
    return [Problem("id", message, key[:100])]
