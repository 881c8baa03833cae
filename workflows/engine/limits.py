"""Limits: how many records of a workflow, or deliveries of a kind, may pass in a minute, an hour or a day.

A limit is a bucket of tokens in the database, one row each, shared by all workers. Every token comes back one period
after it was taken, so that no period, wherever it begins, sees more than the limit lets through. `now` is the
database's time. Whoever finds the bucket in the hands of another worker does not wait for it.

A workflow's limit counts records: each takes a token at the first of its steps that acts (steps that only steer are
free), and none after that. Who gets none is told when to ask again, one after the other, and holds no worker; when
others leave the queue, those behind them come earlier (workflows.engine.closing_up).
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import CharField, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat, Now
from django.utils.translation import gettext as _

from records.problems import Problem, unknown_keys
from workflows.definitions.definition import Definition
from workflows.engine.batch import Batch, Standing
from workflows.models import Allowance, Enrollment

PERIODS = {"minute": 60, "hour": 3_600, "day": 86_400}
#: Those of deliveries besides.
SECONDS = {"second": 1, **PERIODS}
#: About as many requests a second as receivers expect (DOP-20), unless WORKFLOW_DELIVERY_LIMITS says otherwise.
USUAL = {"webhook": "20/second"}
COUNT_LIMIT = 1_000_000
#: Tokens come back together with those of the same slice: at most this part of a period late.
SLICES = 240
#: How long who finds the bucket in use is put off.
BUSY = dt.timedelta(seconds=1)
TEXT = re.compile(r"^([0-9]{1,7})/(second|minute|hour|day)$")
WORKFLOW, DELIVERY, LANE = "workflow:", "delivery:", "lane:"
Turn = Enrollment.Turn

#: SQL of the kinds of which deliveries are pending and not kept back by their limit; needs `now`.
OPEN_KINDS = f"""
    WITH RECURSIVE kinds AS (
        (SELECT kind FROM workflows_delivery WHERE state = 'pending' ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT (
            SELECT d.kind FROM workflows_delivery d WHERE d.state = 'pending' AND d.kind > kinds.kind
            ORDER BY d.kind LIMIT 1
        ) FROM kinds WHERE kinds.kind IS NOT NULL
    )
    SELECT kind FROM kinds WHERE kind IS NOT NULL AND NOT EXISTS (
        SELECT FROM workflows_allowance a WHERE a.scope = '{DELIVERY}' || kinds.kind AND a.full_until > %(now)s
    )
"""
#: SQL of the lanes of which requests are pending and not kept back by a limit; needs `now`.
OPEN_LANES = f"""
    WITH RECURSIVE lanes AS (
        (
            SELECT lane FROM workflows_delivery WHERE state = 'pending' AND kind = 'webhook' ORDER BY lane LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT d.lane FROM workflows_delivery d
            WHERE d.state = 'pending' AND d.kind = 'webhook' AND d.lane > lanes.lane ORDER BY d.lane LIMIT 1
        ) FROM lanes WHERE lanes.lane IS NOT NULL
    )
    SELECT lane FROM lanes WHERE lane IS NOT NULL AND NOT EXISTS (
        SELECT FROM workflows_allowance a
        WHERE a.scope IN ('{DELIVERY}webhook', '{LANE}' || lanes.lane) AND a.full_until > %(now)s
    )
"""
FREE_BUCKET = "SELECT taken FROM workflows_allowance WHERE scope = %s FOR UPDATE SKIP LOCKED"
NEW_BUCKET = """
    INSERT INTO workflows_allowance (scope, taken) VALUES (%s, '{}') ON CONFLICT (scope) DO NOTHING
"""
KEEP = "UPDATE workflows_allowance SET taken = %s, full_until = %s WHERE scope = %s"
QUEUE = """
    UPDATE workflows_allowance SET queue_until = GREATEST(queue_until, %s) WHERE scope = ANY(ARRAY(
        SELECT scope FROM workflows_allowance WHERE scope = %s FOR UPDATE SKIP LOCKED
    ))
"""
#: SQL of the enrollments that wait for their turn: told when to ask again, and on no delay since. The index for it is
#: `enrollment_queue`.
QUEUED = f"e.status = 'active' AND e.turn = {Turn.PROMISED.value} AND e.waiting_in <> e.step"
LAST_PROMISED = f"""
    SELECT e.due_at FROM workflows_enrollment e WHERE e.workflow_id = %s AND {QUEUED} AND e.due_at > %s
    ORDER BY e.due_at DESC LIMIT 1
"""


@dataclass(frozen=True)
class Limit:
    """At most `count` per "minute", "hour" or "day"; of deliveries also per "second"."""

    count: int
    per: str

    @property
    def period(self) -> int:
        return SECONDS[self.per]

    @property
    def slice(self) -> float:
        return self.period / SLICES

    @property
    def spacing(self) -> dt.timedelta:
        """How far apart records pass when many wait."""
        return dt.timedelta(seconds=(self.period + self.slice) / self.count)


@dataclass(frozen=True)
class Taken:
    """How many tokens were got, and when the next is free if they were not enough."""

    count: int
    free_at: dt.datetime
    #: Another transaction is just taking some, so nobody knows.
    busy: bool = False


def of_workflow(definition: Definition) -> Limit | None:
    """The limit in a definition's settings; None without one, or with one that is not valid."""
    value = definition.settings.get("limit")
    if not value or any(problems(value)):
        return None
    return Limit(value["count"], value["per"])


def of_deliveries(kind: str) -> Limit | None:
    """The limit of a kind of deliveries, from WORKFLOW_DELIVERY_LIMITS.

    Raises ValueError for a limit that cannot be read.
    """
    text = getattr(settings, "WORKFLOW_DELIVERY_LIMITS", {}).get(kind, USUAL.get(kind))
    if not text:
        return None
    found = TEXT.match(text)
    if found is None or not int(found[1]):
        raise ValueError(f"WORKFLOW_DELIVERY_LIMITS: {text!r} is no limit. Write it like “mail=100/minute”.")
    return Limit(int(found[1]), found[2])


def problems(value: Any) -> Iterator[Problem]:
    """What keeps a workflow's `settings.limit` from being published."""
    if value is None:
        return
    path = "settings.limit"
    if not isinstance(value, dict):
        message = _("A limit is a JSON object like {“count”: 100, “per”: “minute”}, not %(value)r.")
        yield Problem(path, message % {"value": value}, value)
        return
    yield from unknown_keys(value, {"count", "per"}, path)
    count, per = value.get("count"), value.get("per")
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= COUNT_LIMIT:
        message = _("%(value)r is not a number of records. Use a whole number from 1 to %(limit)d.")
        yield Problem(f"{path}.count", message % {"value": count, "limit": COUNT_LIMIT}, count)
    if not isinstance(per, str) or per not in PERIODS:
        message = _("%(value)r is not a period. Use one of: %(known)s.")
        yield Problem(f"{path}.per", message % {"value": per, "known": ", ".join(PERIODS)}, per)


def take(scope: str, limit: Limit, wanted: int, now: dt.datetime) -> Taken:
    """Take up to `wanted` tokens, for good when the transaction commits; none while another one is taking some."""
    with connection.cursor() as cursor:
        cursor.execute(FREE_BUCKET, [scope])
        found = cursor.fetchone()
        if found is None:
            cursor.execute(NEW_BUCKET, [scope])
            if not cursor.rowcount:
                return Taken(0, now + BUSY, busy=True)
            found = ("{}",)
        # A token counts until its slice is over and a period has passed; slices of another limit mean nothing.
        at, out = now.timestamp(), {int(number): count for number, count in json.loads(found[0]).items()}
        newest = math.floor(at / limit.slice) + 2
        out = {n: count for n, count in out.items() if n * limit.slice + limit.period > at and n <= newest}
        free = max(limit.count - sum(out.values()), 0)
        got = min(wanted, free)
        if got:
            current = math.floor(at / limit.slice) + 1
            out[current] = out.get(current, 0) + got
        first = min(out, default=0) * limit.slice + limit.period
        free_at = dt.datetime.fromtimestamp(first, dt.UTC) if got == free else now
        cursor.execute(KEEP, [json.dumps(out), free_at if got == free else None, scope])
        return Taken(got, free_at)


def passing(batch: Batch) -> Batch:
    """The part of a batch that may act now; the others are held until it may be their turn."""
    limit = of_workflow(batch.definition)
    if limit is None:
        return batch
    turns = dict(Enrollment.objects.filter(pk__in=[one.id for one in batch.enrollments]).values_list("pk", "turn"))
    promised = [one for one in batch.enrollments if turns[one.id] == Turn.PROMISED]
    new = [one for one in batch.enrollments if turns[one.id] == Turn.NONE]
    if not promised and not new:
        return batch
    last = last_promised(batch)
    # Nobody is let in before those who were told to wait.
    asking = promised if last > batch.now else promised + new
    scope = f"{WORKFLOW}{batch.workflow.pk}"
    taken = take(scope, limit, len(asking), batch.now) if asking else Taken(0, last)
    let_in, left = asking[: taken.count], asking[taken.count :]
    mark(let_in, Turn.TAKEN)
    through = {one.id for one in let_in} | {pk for pk, turn in turns.items() if turn == Turn.TAKEN}
    if taken.busy:
        hold(batch, left, [taken.free_at] * len(left), limit)
    else:
        hold(batch, promised[taken.count :], moments(taken.free_at, limit), limit)
        kept = [one for one in new if one.id not in through]
        mark(kept, Turn.PROMISED)
        start = max(taken.free_at, last + limit.spacing if last > batch.now else batch.now)
        if until := hold(batch, kept, moments(start, limit), limit):
            with connection.cursor() as cursor:
                cursor.execute(QUEUE, [until, scope])
    return batch.part([one for one in batch.enrollments if one.id in through])


def last_promised(batch: Batch) -> dt.datetime:
    """When the last of those who wait for the limit may ask again; at least now."""
    with connection.cursor() as cursor:
        cursor.execute(LAST_PROMISED, [batch.workflow.pk, batch.now])
        found = cursor.fetchone()
        return found[0] if found else batch.now


def mark(enrollments: Iterable[Standing], turn: Turn) -> None:
    ids = [one.id for one in enrollments]
    if ids:
        Enrollment.objects.filter(pk__in=ids).update(turn=turn)


def moments(start: dt.datetime, limit: Limit) -> Iterator[dt.datetime]:
    """When those who wait may ask again, one after the other."""
    return (start + limit.spacing * place for place in itertools.count())


def hold(batch: Batch, enrollments: list[Standing], turns: Iterable[dt.datetime], limit: Limit) -> dt.datetime | None:
    """Hold some, each until its moment; until when the last of them."""
    until = None
    for enrollment, until in zip(enrollments, turns, strict=False):
        detail = {"until": until.isoformat(), "count": limit.count, "per": limit.per}
        batch.hold(enrollment, until, reason=f"limit_per_{limit.per}", **detail)
    return until


def throttled(scopes: Iterable[str], now: dt.datetime) -> dict[str, dt.datetime]:
    """Until when those of some limits that keep anybody waiting do so, by scope."""
    rows = Allowance.objects.filter(scope__in=list(scopes)).values_list("scope", "full_until", "queue_until")
    found = {scope: max((at for at in (full, queue) if at), default=now) for scope, full, queue in rows}
    return {scope: until for scope, until in found.items() if until > now}


def waiting_until() -> Subquery:
    """For querysets of workflows: until when records of each wait for its limit, None where none does."""
    scope = Concat(Value(WORKFLOW), Cast(OuterRef("pk"), CharField()))
    return Subquery(Allowance.objects.filter(scope=scope, queue_until__gt=Now()).values("queue_until"))
