"""Waking records for which what they have waited for has happened."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

from django.db import connection, transaction
from django.db.models import QuerySet

from records.outages import passing
from workflows.events.base import Wait
from workflows.models import EventWait

logger = logging.getLogger(__name__)

WAIT = (
    "pk", "object_type", "record_id", "event", "through", "wanted", "mark", "since", "happened_at", "check_at",
)  # fmt: skip
LOCK = """
    SELECT id FROM workflows_enrollment WHERE id = ANY(%(ids)s) AND status = 'active' ORDER BY id FOR NO KEY UPDATE
"""
HAPPENED = """
    UPDATE workflows_eventwait w SET happened_at = v.at, check_at = NULL
    FROM unnest(%(ids)s::bigint[], %(moments)s::timestamptz[]) AS v (id, at)
    WHERE w.enrollment_id = v.id
"""
WAKE = """
    UPDATE workflows_enrollment e SET due_at = %(now)s
    FROM workflows_eventwait w
    WHERE e.id = ANY(%(ids)s) AND w.enrollment_id = e.id AND e.status = 'active' AND e.step = w.step
        AND e.visit = w.visit AND e.waiting_in = e.step AND (e.due_at IS NULL OR e.due_at > %(now)s)
"""


def wake_carefully(waits: list[Wait], met: dict[int, dt.datetime], failed: set[int], now: dt.datetime) -> None:
    """Wake each half alone when waking raises; who cannot be woken is moved from `met` to `failed`."""
    waking = [wait for wait in waits if wait.id in met]
    try:
        with transaction.atomic():
            wake(waking, {wait.id: met[wait.id] for wait in waking}, now)
    except Exception as error:
        if passing(error):
            raise
        if len(waking) > 1:
            middle = len(waking) // 2
            for half in (waking[:middle], waking[middle:]):
                wake_carefully(half, met, failed, now)
            return
        logger.exception("Enrollment %d has what it waits for and cannot be woken", waking[0].id)
        del met[waking[0].id]
        failed.add(waking[0].id)


def wake(waits: Sequence[Wait], met: Mapping[int, dt.datetime], now: dt.datetime) -> None:
    """Note that it has happened and let the records go on, except who has gone on to wait for something else."""
    if not met:
        return
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"ids": sorted(met)})
    same = {wait.identity for wait in waits_in(EventWait.objects.filter(pk__in=met, happened_at=None))}
    ids = sorted(wait.id for wait in waits if wait.id in met and wait.identity in same)
    with connection.cursor() as cursor:
        cursor.execute(HAPPENED, {"ids": ids, "moments": [met[wait_id] for wait_id in ids]})
        cursor.execute(WAKE, {"ids": ids, "now": now})


def waits_in(rows: QuerySet[EventWait]) -> list[Wait]:
    return [Wait(*row) for row in rows.values_list(*WAIT)]
