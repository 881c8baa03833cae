"""Who waits for which event, and whether it has happened: exactly once, whoever comes first.

A wait is compared with the history of its event since its mark, always by the same query (Event.found). It is asked

* once after the wait was committed (`check_at`), for what was committed before anybody could see the wait;
* whenever a change is dispatched that may be it: dispatching begins after the change was committed and looks for
  waits after it has taken the change, so either it sees the wait, or the wait was committed later and is compared
  with a history that has the change;
* by the step itself when the longest wait is over, for what was not dispatched until then.

Everybody who ends a wait locks its enrollment first, in the order of their ids.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models.functions import Now

from records.associations import associations_of, links_of
from records.models import PendingChange, PendingEvent
from records.object_types import object_types
from records.outages import passing
from records.sql_arrays import array
from workflows.events.base import Event, Wait, Want
from workflows.events.journal import source_of
from workflows.events.known import event_of
from workflows.events.stored import event_source
from workflows.intake import waking
from workflows.intake.waking import waits_in
from workflows.models import EventWait

if TYPE_CHECKING:
    from workflows.engine.batch import Batch

logger = logging.getLogger(__name__)

#: How many waits are compared with the history at once because their time has come.
CHECK_LIMIT = 1_000
#: When a wait is tried again whose event could not be looked for.
PATIENCE = dt.timedelta(minutes=1)

# A record that is told to wait anew where it already stands keeps its mark: it has reached the delay only once.
BEGIN = """
    INSERT INTO workflows_eventwait AS old (enrollment_id, step, visit, object_type, record_id, event, source, through,
        wanted, mark, since, check_at)
    SELECT v.id, %(step)s, v.visit, %(object_type)s, v.record_id, %(event)s, %(source)s, %(through)s,
        %(wanted)s::jsonb, {mark}, clock_timestamp(), clock_timestamp()
    FROM unnest(%(ids)s::bigint[], %(visits)s::int[], %(records)s::bigint[]) AS v (id, visit, record_id)
    ON CONFLICT (enrollment_id) DO UPDATE SET
        step = EXCLUDED.step, visit = EXCLUDED.visit, event = EXCLUDED.event, source = EXCLUDED.source,
        through = EXCLUDED.through, wanted = EXCLUDED.wanted, check_at = EXCLUDED.check_at, happened_at = NULL,
        mark = CASE WHEN {same} THEN old.mark ELSE EXCLUDED.mark END,
        since = CASE WHEN {same} THEN old.since ELSE EXCLUDED.since END
"""
SAME = """
    (old.step, old.visit) = (EXCLUDED.step, EXCLUDED.visit) AND (
        starts_with(old.source, 'change:') AND starts_with(EXCLUDED.source, 'change:')
        OR starts_with(old.source, 'event:') AND starts_with(EXCLUDED.source, 'event:')
        OR (old.source, old.through) = (EXCLUDED.source, EXCLUDED.through)
    )
"""
# Which ways from changed records to waiting ones anybody uses: one look into the index for each.
USED = """
    SELECT way.source, way.object_type, way.through
    FROM unnest(%(sources)s::text[], %(types)s::text[], %(throughs)s::text[]) AS way (source, object_type, through)
    WHERE EXISTS (
        SELECT FROM workflows_eventwait w
        WHERE w.source = way.source AND w.object_type = way.object_type AND w.through = way.through
    )
"""
# Unless a check was ordered again meanwhile.
CHECKED = """
    UPDATE workflows_eventwait w SET check_at = clock_timestamp() + v.pause
    FROM unnest(%(ids)s::bigint[], %(orders)s::timestamptz[], %(afters)s::interval[]) AS v (id, ordered, pause)
    WHERE w.enrollment_id = v.id AND w.check_at IS NOT DISTINCT FROM v.ordered
"""
# The first condition does not depend on the rows, so that nothing else is asked while nobody waits.
COMPLETED = """
    UPDATE workflows_eventwait SET check_at = clock_timestamp() WHERE enrollment_id = ANY(ARRAY(
        SELECT w.enrollment_id FROM workflows_enrollment e
        JOIN workflows_workflow f ON f.id = e.workflow_id
        JOIN workflows_eventwait w ON w.source = 'workflow' AND w.object_type = f.object_type
            AND w.through = e.workflow_id::text AND w.record_id = e.record_id
        WHERE EXISTS (SELECT FROM workflows_eventwait WHERE source = 'workflow')
            AND e.id = ANY(%(ids)s::bigint[]) AND w.happened_at IS NULL
        FOR UPDATE OF w SKIP LOCKED
    ))
"""


def begin(batch: Batch, want: Want, event: str) -> None:
    """Have the records of a batch wait for an event on their step, from now on. One statement."""
    known = event_of(event)
    assert known is not None, "the step has found the event"
    sql = BEGIN.format(mark=known.mark, same=SAME)
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {
            "step": batch.step.id, "object_type": batch.object_type.slug, "event": event, "source": want.source,
            "through": want.through, "wanted": json.dumps(want.wanted, cls=DjangoJSONEncoder),
            "ids": [enrollment.id for enrollment in batch.enrollments],
            "visits": [enrollment.visit for enrollment in batch.enrollments],
            "records": batch.ids,
        }  # fmt: skip
        cursor.execute(sql, facts)


def end(batch: Batch) -> dict[int, Wait]:
    """Have the records of a batch wait no longer; what each has waited for, `happened_at` among it, by enrollment.

    What has happened and was not dispatched yet counts.
    """
    rows = EventWait.objects.filter(pk__in=[enrollment.id for enrollment in batch.enrollments], step=batch.step.id)
    waits = {wait.id: wait for wait in waits_in(rows)}
    for wait_id, at in happened([wait for wait in waits.values() if wait.happened_at is None])[0].items():
        waits[wait_id] = replace(waits[wait_id], happened_at=at)
    rows.delete()
    return waits


def look(
    pending: Sequence[PendingChange], now: dt.datetime, told: Sequence[PendingEvent] = (), *, careful: bool = False
) -> int:
    """Wake the records for which what they wait for has happened, by these changes and events or unseen before.

    Runs in the transaction that has taken the changes. Returns how many waits were due for a check. `careful`: who
    cannot be woken is looked at again after a while, and the others are woken.
    """
    unchecked = waits_in(EventWait.objects.filter(check_at__lte=Now()).order_by("check_at")[:CHECK_LIMIT])
    asked = {wait.id: wait for wait in [*touched(pending), *waiting_for(told), *unchecked]}
    if not asked:
        return 0
    met, failed = happened(list(asked.values()))
    if careful:
        waking.wake_carefully(list(asked.values()), met, failed, now)
    else:
        waking.wake(list(asked.values()), met, now)
    ordered = {wait.id for wait in unchecked} | failed
    settle([wait for wait in asked.values() if wait.id in ordered and wait.id not in met], failed)
    return len(unchecked)


def touched(pending: Sequence[PendingChange]) -> list[Wait]:
    """The waits these changes may concern. One look into an index for each way when nobody waits."""
    ids: dict[str, set[int]] = {}
    for change in pending:
        ids.setdefault(change.object_type, set()).add(change.record_id)
    found: list[Wait] = []
    for source, waiting_type, through in used(ids):
        changed_type = source.removeprefix(source_of(""))
        reached: Iterable[int] = ids[changed_type]
        if through:
            links = links_of(object_types[waiting_type], through, other=reached)
            reached = {own for own, _other in links}
        rows = EventWait.objects.filter(
            source=source, object_type=waiting_type, through=through, record_id__in=reached, happened_at=None
        )
        found += waits_in(rows)
    return found


def waiting_for(told: Sequence[PendingEvent]) -> list[Wait]:
    """The waits these events may concern. One look into an index when nobody waits."""
    ways: dict[tuple[str, str], set[int]] = {}
    for event in told:
        ways.setdefault((event_source(event.event), event.object_type), set()).add(event.record_id)
    sources = {source for source, _object_type in ways}
    if not sources or not EventWait.objects.filter(source__in=sources).exists():
        return []
    found: list[Wait] = []
    for (source, object_type), ids in ways.items():
        found += waits_in(
            EventWait.objects.filter(
                source=source, object_type=object_type, through="", record_id__in=ids, happened_at=None
            )
        )
    return found


def used(changed: Iterable[str]) -> list[tuple[str, str, str]]:
    """The ways (source, waiting type, through) from changes of these types to records that wait."""
    ways = []
    for slug in changed:
        ways.append((source_of(slug), slug, ""))
        ways += [
            (source_of(slug), waiting, association.slug)
            for waiting in object_types
            for association in associations_of(waiting).values()
            if association.to.slug == slug
        ]
    if not ways:
        return []
    sources, types, throughs = (list(column) for column in zip(*ways, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(USED, {"sources": sources, "types": types, "throughs": throughs})
        return cursor.fetchall()


def happened(waits: Sequence[Wait]) -> tuple[dict[int, dt.datetime], set[int]]:
    """When it happened for whom; and the waits of which it cannot be told, because their event raises an error."""
    met: dict[int, dt.datetime] = {}
    failed: set[int] = set()
    for slug, group in groupby(sorted(waits, key=by_event), key=by_event):
        if event := event_of(slug):
            ask(event, list(group), met, failed)
    return met, failed


def ask(event: Event, waits: list[Wait], met: dict[int, dt.datetime], failed: set[int]) -> None:
    """Add to `met` and `failed`. When an event raises, each half is asked alone: only a poisonous wait fails."""
    try:
        with transaction.atomic():
            met |= event.found(waits)
    except Exception as error:
        if passing(error):
            raise
        if len(waits) > 1:
            middle = len(waits) // 2
            ask(event, waits[:middle], met, failed)
            ask(event, waits[middle:], met, failed)
            return
        logger.exception("Whether enrollment %d may go on (%s) cannot be told", waits[0].id, event.slug)
        failed.add(waits[0].id)


def by_event(wait: Wait) -> str:
    return wait.event


def settle(waits: Sequence[Wait], failed: set[int]) -> None:
    """Say when these waits, which go on, are compared with the history again."""
    if not waits:
        return
    nexts = []
    for wait in waits:
        event = event_of(wait.event)
        nexts.append(PATIENCE if wait.id in failed else event.again if event else None)
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {
            "ids": [wait.id for wait in waits], "orders": [wait.check_at for wait in waits], "afters": nexts
        }  # fmt: skip
        cursor.execute(CHECKED, facts)


def completed(enrollment_ids: Sequence[int]) -> None:
    """Have those looked at who wait for these enrollments' workflows to be completed.

    For the end of the transaction that completes them. Waits somebody else holds, or that are not committed yet, are
    passed over: they are looked at by themselves after a while (Event.again).
    """
    with connection.cursor() as cursor:
        cursor.execute(COMPLETED, {"ids": array(enrollment_ids)})
