"""What dispatching has set aside: kept in the transaction that took it out of the queue, until its part can do it.

Nothing is lost, and nobody else waits: the part is tried again after a while, for what was set aside in the order in
which it happened, until it no longer raises.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from records.models import PendingChange, PendingEvent, Segment
from records.outages import cut_short, outage
from workflows.intake.isolating import SEGMENT, Aside, Care, Concerned, Held, Part, Thing
from workflows.models import Hindrance, SetAside

logger = logging.getLogger(__name__)

#: Seconds until a part is tried again, from the first error on; the last one goes on.
BACKOFF = (5, 30, 120, 600)
#: A part with more than so much set aside is not tried for anything new meanwhile.
FEW = 20
#: Parts that are tried again in one round, and of each the records and what there is of them.
PARTS, RECORDS = 10, 200
ROWS_AT_ONCE = 1_000
FACTS = ("kind", "object_type", "name", "segment_id", "workflow_id")
HELD = f"""
    SELECT {", ".join(FACTS)}, slow, (
        SELECT array_agg(record_id) FROM (
            SELECT record_id FROM workflows_setaside a WHERE a.hindrance_id = h.id ORDER BY record_id LIMIT {FEW + 1}
        ) first
    ) FROM workflows_hindrance h
"""
Again = Callable[[Part, Sequence[Thing], Care, dt.datetime], None]
HINDER = """
    INSERT INTO workflows_hindrance (kind, object_type, name, segment_id, workflow_id, error, slow, tries, since,
        due_at)
    VALUES (%(kind)s, %(object_type)s, %(name)s, %(segment)s, %(workflow)s, %(error)s, %(slow)s, 1, %(now)s, %(due)s)
    ON CONFLICT (kind, object_type, name, segment_id, workflow_id) DO UPDATE SET
        error = COALESCE(NULLIF(EXCLUDED.error, ''), workflows_hindrance.error),
        slow = CASE WHEN EXCLUDED.error <> '' THEN EXCLUDED.slow ELSE workflows_hindrance.slow END
    RETURNING id, due_at
"""


def held() -> Held:
    """What is set aside, by part: the records, or None for a part that is not to be tried for anything."""
    with connection.cursor() as cursor:
        cursor.execute(HELD)
        rows = cursor.fetchall()
    return {
        Part(*facts): None if slow or (records and len(records) > FEW) else frozenset(records or ())
        for *facts, slow, records in rows
    }


def keep(aside: Iterable[Aside], now: dt.datetime) -> None:
    """Write down what is to be set aside, in the transaction that has taken it."""
    for one in aside:
        hindrance_id, due_at = hinder(one, now)
        rows = (
            SetAside(hindrance_id=hindrance_id, record_id=record_id, occurrence=occurrence)
            for thing in one.things
            for record_id, occurrence in told(thing)
        )
        while some := list(islice(rows, ROWS_AT_ONCE)):
            SetAside.objects.bulk_create(some)
        if one.part.segment is not None and any(thing.record_id is None for thing in one.things):
            # Time is not looked at before that is tried again.
            Segment.objects.filter(pk=one.part.segment).update(check_at=due_at)


def hinder(one: Aside, now: dt.datetime) -> tuple[int, dt.datetime]:
    """The hindrance of a part, and when it is tried again."""
    part = one.part
    if one.error is not None:
        ids = [thing.record_id for thing in one.things][:5]
        logger.error("Dispatching sets %d aside: %s, records %s", len(one.things), part, ids, exc_info=one.error)
    facts: dict[str, Any] = vars(part) | {
        "error": words_of(one.error), "slow": one.error is not None and cut_short(one.error), "now": now,
        "due": now + dt.timedelta(seconds=BACKOFF[0]),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(HINDER, facts)
        hindrance_id, due_at = cursor.fetchone()
    return hindrance_id, due_at


def words_of(error: Exception | None) -> str:
    """The type of an error and its first line: what follows in the database's words are whole rows."""
    if error is None:
        return ""
    text = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    # Whatever somebody's own code says can be kept: the database takes no NUL, and no half of a character.
    return text.replace("\0", "").encode(errors="replace").decode()[:500]


def told(thing: Thing) -> list[tuple[int | None, Any]]:
    """Record and occurrence of each row a thing is kept as."""
    if isinstance(thing, Concerned):
        return [(thing.record_id, written(cause)) for cause in thing.causes] or [(thing.record_id, None)]
    return [(thing.record_id, written(thing))]


def written(occurrence: PendingChange | PendingEvent) -> dict[str, Any]:
    facts = {field.attname: getattr(occurrence, field.attname) for field in occurrence._meta.concrete_fields}
    kept: dict[str, Any] = json.loads(json.dumps(facts, default=exactly))
    return kept | {"as": "event" if isinstance(occurrence, PendingEvent) else "change"}


def exactly(value: Any) -> Any:
    """Instants with all their digits, anything else as Django writes it."""
    return value.isoformat() if isinstance(value, dt.datetime) else DjangoJSONEncoder().default(value)


def read(kept: Any) -> PendingChange | PendingEvent:
    model = PendingEvent if kept["as"] == "event" else PendingChange
    facts = {name: value for name, value in kept.items() if name != "as"}
    for name in {"at", "occurred_at"} & facts.keys():
        facts[name] = dt.datetime.fromisoformat(facts[name])
    return model(**facts)


def try_again(now: dt.datetime, do: Again) -> int:
    """Have the parts that are due do what was set aside for them; how much was tried."""
    due = list(Hindrance.objects.filter(due_at__lte=now).order_by("due_at", "pk")[:PARTS])
    done = 0
    for hindrance in due:
        done += try_alone(hindrance, now, do)
        if hindrance.slow:
            # The others have their turn in the next round: all of them in one might take longer than it may.
            break
    return done


def try_alone(hindrance: Hindrance, now: dt.datetime, do: Again) -> int:
    """`try_part`; put off where even that raises, as for what another version has written, so that nothing else waits.

    Raises OperationalError and InterfaceError, as without a database there is nothing to do.
    """
    try:
        with transaction.atomic():
            return try_part(hindrance, now, do)
    except Exception as error:
        if outage(error):
            raise
        logger.exception("What was set aside for %s cannot be tried again.", hindrance.kind)
        pause = BACKOFF[min(hindrance.tries, len(BACKOFF) - 1)]
        facts = {"tries": hindrance.tries + 1, "due_at": now + dt.timedelta(seconds=pause), "error": words_of(error)}
        hindrance.slow = cut_short(error)
        facts |= {"place": hindrance.place, "slow": hindrance.slow}
        Hindrance.objects.filter(pk=hindrance.pk).update(**facts)
        return 0


def try_part(hindrance: Hindrance, now: dt.datetime, do: Again) -> int:
    part = Part(*(getattr(hindrance, fact) for fact in FACTS))
    rows = things_of(part, portion(hindrance))
    care = Care(careful=True)
    do(part, list(rows), care, now)
    again = {thing for one in care.aside if one.part == part for thing in one.things}
    done = [pk for thing, ids in rows.items() if thing not in again for pk in ids]
    SetAside.objects.filter(pk__in=done).delete()
    # Whom time concerns is found anew each time.
    fresh = [Aside(one.part, [thing for thing in one.things if thing not in rows], one.error) for one in care.aside]
    keep([one for one in fresh if one.things], now)
    errors = [one.error for one in care.aside if one.error is not None]
    settle(hindrance, errors, now, progress=len(done) > sum(len(one.things) for one in fresh))
    return len(rows)


def portion(hindrance: Hindrance) -> list[SetAside]:
    """What is tried at once, in the order in which it happened: the oldest of some records.

    The records take turns, so that none stands before the rest: whose turn was last is the hindrance's `place`.
    """
    timed = list(SetAside.objects.filter(hindrance=hindrance, record_id=None).order_by("pk")[:ROWS_AT_ONCE])
    rows = following(hindrance, hindrance.place) or following(hindrance, 0)
    hindrance.place = max((row.record_id or 0 for row in rows), default=0)
    return sorted([*timed, *rows], key=lambda row: row.pk)


def following(hindrance: Hindrance, place: int) -> list[SetAside]:
    """The oldest of the next records after one, given by its id; [] after the last."""
    aside = SetAside.objects.filter(hindrance=hindrance, record_id__gt=place).order_by("record_id", "pk")
    found: list[SetAside] = list(aside[:ROWS_AT_ONCE])
    chosen = set(list(dict.fromkeys(row.record_id for row in found))[:RECORDS])
    return [row for row in found if row.record_id in chosen]


def settle(hindrance: Hindrance, errors: Sequence[Exception], now: dt.datetime, *, progress: bool) -> None:
    """Forget a hindrance of which nothing is left, or say when it is tried again."""
    if not SetAside.objects.filter(hindrance=hindrance).exists():
        hindrance.delete()
        logger.info("Nothing is set aside any more for %s.", hindrance.kind)
        return
    if not errors:
        hindrance.due_at, hindrance.slow = now, False
    else:
        hindrance.tries = 1 if progress else hindrance.tries + 1
        hindrance.due_at = now + dt.timedelta(seconds=BACKOFF[min(hindrance.tries, len(BACKOFF)) - 1])
        hindrance.error, hindrance.slow = words_of(errors[-1]), cut_short(errors[-1])
    hindrance.save(update_fields=["due_at", "tries", "error", "slow", "place"])
    timed = SetAside.objects.filter(hindrance=hindrance, record_id=None)
    if hindrance.segment_id is not None and timed.exists():
        Segment.objects.filter(pk=hindrance.segment_id).update(check_at=hindrance.due_at)


def things_of(part: Part, rows: Sequence[SetAside]) -> dict[Thing, list[int]]:
    """What was set aside in the order in which it happened, each with the ids of its rows."""
    found: dict[int | None, Concerned] = {}
    ids: dict[Thing, list[int]] = {}
    if part.kind != SEGMENT:
        for row in rows:
            ids.setdefault(read(row.occurrence), []).append(row.pk)
        return ids
    for row in rows:
        one = found.setdefault(row.record_id, Concerned(row.record_id))
        ids.setdefault(one, []).append(row.pk)
        cause = read(row.occurrence) if row.occurrence is not None else None
        if isinstance(cause, PendingChange):
            one.causes.append(cause)
    return ids
