"""Sending requests that wait in the outbox, several at a time: a slow receiver keeps nobody waiting but its own lane.

Only what is sent happens in threads; the database belongs to the thread that calls. A request whose sender died is
sent again under the same key: receivers have to be prepared for that (DOP-21). One marked `once` is for receivers that
are not: where it may have arrived, a person decides.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, connection, transaction
from django.utils.translation import gettext as _

from records.sealing import Unreadable
from workflows.engine import limits
from workflows.models import Connection, Delivery
from workflows.outbox import composing, ordering
from workflows.outbox.answers import BACKOFF, Verdict, judged, reader_of
from workflows.outbox.ordering import KIND
from workflows.outside import connecting, door, veils
from workflows.outside.door import Answered, Bounds, NotReached, NotTrusted, Outgoing
from workflows.outside.targets import NotAllowed
from workflows.webhooks import signing

logger = logging.getLogger(__name__)

State = Delivery.State
AT_ONCE = 20
#: Of one lane so many may be on their way at once.
PER_LANE = 5
LEASE = dt.timedelta(seconds=120)
#: Seconds between two looks for more while some are on their way.
LOOK_AGAIN = 0.5
#: 3 s to connect, 30 s to answer (DOP-18).
BOUNDS = Bounds(connect=3.0, whole=33.0)
READY = """
    SELECT id FROM workflows_delivery WHERE state = 'pending' AND kind = 'webhook' AND lane = %(lane)s
        AND due_at <= %(now)s
    ORDER BY due_at LIMIT %(room)s FOR UPDATE SKIP LOCKED
"""
BEGIN = """
    UPDATE workflows_delivery SET
        state = 'sending', claim = %(token)s, claimed_until = clock_timestamp() + %(lease)s, attempts = attempts + 1
    WHERE id = ANY(%(ids)s)
"""
# Only what is still ours: somebody else may have been given it meanwhile.
END = """
    UPDATE workflows_delivery d SET
        state = r.state, due_at = r.due_at, done_at = r.done_at, last_error = r.last_error, answer = r.answer,
        claim = NULL, claimed_until = NULL
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
        id bigint, claim uuid, state text, due_at timestamptz, done_at timestamptz, last_error text, answer jsonb
    )
    WHERE d.id = r.id AND d.claim = r.claim AND d.state = 'sending' RETURNING d.id
"""
#: By the `guard` of requests: why each of some must not leave any more, as a sentence; "" where it may. Filled by the
#: packages above, whose requests are asked about once more right before each attempt.
objections: dict[str, Callable[[Sequence[dict[str, Any]]], list[str]]] = {}
#: When this process has served a lane last, counted in looks.
turns: Counter[str] = Counter()


@dataclass(frozen=True)
class Ready:
    """A request as it leaves, or the verdict that it does not; `hidden` are the secrets it carries, signed `at`."""

    outgoing: Outgoing | Verdict
    at: dt.datetime
    hidden: list[str] = field(default_factory=list, repr=False)


def send_due(
    clock: Callable[[], dt.datetime], *, go_on: Callable[[], bool] = lambda: True, at_once: int = AT_ONCE
) -> int:
    """Send what is due by the clock (the database's) until nothing is or `go_on` says no; how many were sent.

    What is on its way is waited for, about half a minute at most.
    """
    done = 0
    flying: dict[Future[Verdict], Delivery] = {}
    with ThreadPoolExecutor(at_once, "request") as pool:
        while True:
            room = at_once - len(flying)
            if room and go_on():
                now = clock()
                claimed = claim(now, room, Counter(one.lane for one in flying.values()))
                for delivery, ready in zip(claimed, prepared(claimed, now), strict=True):
                    flying[pool.submit(attempt, delivery.request, ready)] = delivery
            if not flying:
                return done
            finished, _others = wait(flying, timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
            if finished:
                end([(flying.pop(future), future) for future in finished], clock())
                done += len(finished)


def claim(now: dt.datetime, limit: int, busy: Counter[str]) -> list[Delivery]:
    """Claim up to `limit` requests, of each lane as many as may still leave at once and as its limit lets through."""
    token = uuid.uuid4()
    while limit > 0:
        with transaction.atomic(), connection.cursor() as cursor:
            chosen = choose(cursor, now, limit, busy)
            ids = [pk for ready in chosen.values() for pk in ready]
            if ids and (allowed := limits.of_deliveries(KIND)):
                passing = limits.take(f"{limits.DELIVERY}{KIND}", allowed, len(ids), now).count
                if passing < len(ids):
                    # Chosen again, and fewer: what the lanes' limits let through for the others is given back.
                    limit = passing
                    transaction.set_rollback(True)
                    continue
            if not ids:
                return []
            facts: dict[str, Any] = {"token": token, "lease": LEASE, "ids": ids}
            cursor.execute(BEGIN, facts)
        for lane in chosen:
            turns[lane] = max(turns.values(), default=0) + 1
        return list(Delivery.objects.filter(claim=token, state=State.SENDING).order_by("due_at", "pk"))
    return []


def choose(cursor: Any, now: dt.datetime, limit: int, busy: Counter[str]) -> dict[str, list[int]]:
    """The ids of up to `limit` requests that may leave, by lane, in the lanes' turns; takes of the lanes' limits."""
    cursor.execute(limits.OPEN_LANES, {"now": now})
    lanes = sorted((lane for (lane,) in cursor.fetchall()), key=lambda lane: turns[lane])
    known, chosen, left = limits_of(lanes), {}, limit
    for lane in lanes:
        room = min(PER_LANE - busy[lane], left)
        if room <= 0:
            continue
        cursor.execute(READY, {"lane": lane, "now": now, "room": room})
        ready = [pk for (pk,) in cursor.fetchall()]
        if ready and lane in known:
            ready = ready[: limits.take(f"{limits.LANE}{lane}", known[lane], len(ready), now).count]
        if ready:
            chosen[lane] = ready
            left -= len(ready)
    return chosen


def limits_of(lanes: list[str]) -> dict[str, limits.Limit]:
    """The limits of those lanes that are connections with one."""
    slugs = [lane.partition(":")[2] for lane in lanes if lane.startswith("connection:")]
    if not slugs:
        return {}
    rows = Connection.objects.filter(slug__in=slugs, limit_count__isnull=False)
    return {f"connection:{one.slug}": limits.Limit(one.limit_count or 1, one.limit_per) for one in rows}


def prepared(deliveries: Sequence[Delivery], now: dt.datetime) -> list[Ready]:
    """Requests with their secrets and signatures, or why they cannot be sent; constant statements for all of them."""
    refused = refusals(deliveries)
    slugs = {slug for one in deliveries if (slug := one.request.get("connection"))}
    known = {one.slug: one for one in Connection.objects.filter(slug__in=slugs)} if slugs else {}
    return [
        Ready(Verdict(State.SKIPPED, refused[one.pk]), now) if one.pk in refused else made_ready(one, known, now)
        for one in deliveries
    ]


def refusals(deliveries: Sequence[Delivery]) -> dict[int, str]:
    """Why some must not leave any more, by id."""
    found: dict[int, str] = {}
    for name, guard in objections.items():
        some = [one for one in deliveries if one.request.get("guard") == name]
        said = guard([one.request for one in some]) if some else []
        found |= {one.pk: sentence for one, sentence in zip(some, said, strict=True) if sentence}
    return found


def made_ready(delivery: Delivery, known: Mapping[str, Connection], now: dt.datetime) -> Ready:
    """One request with its secrets and signature, or why it cannot be sent."""
    request = delivery.request
    slug = request.get("connection") or ""
    found = known.get(slug)
    if slug and found is None:
        message = _("The connection “%(slug)s” does not exist any more.")
        return Ready(Verdict(State.DEAD, message % {"slug": slug}), now)
    hidden: list[str] = []
    url, headers, body = request["url"], dict(request["headers"]), request["body"].encode()
    identity = message_id(delivery)
    headers |= {signing.ID: identity, "Idempotency-Key": identity, signing.TIMESTAMP: str(int(now.timestamp()))}
    try:
        if found is not None:
            composing.origin_with(found, url)
            headers |= connecting.headers(found)
            url = composing.with_parameters(url, connecting.parameters(found))
            hidden = connecting.secrets_sent(found)
            secrets = connecting.signing_secrets(found, now)
            if secrets:
                headers[signing.SIGNATURE] = " ".join(signing.signature(one, identity, now, body) for one in secrets)
    except NotAllowed as error:
        return Ready(Verdict(State.DEAD, str(error)), now)
    except (Unreadable, ValueError):
        message = _("The secrets of the connection “%(name)s” cannot be read. Give them anew.")
        return Ready(Verdict(State.DEAD, message % {"name": found.name if found else slug}), now)
    return Ready(Outgoing(request["method"], url, headers, body), now, hidden)


def message_id(delivery: Delivery) -> str:
    """The same for every attempt, so that receivers know a request that comes twice."""
    return f"msg_{hashlib.sha256(delivery.key.encode()).hexdigest()[:32]}"


def attempt(request: dict[str, Any], ready: Ready) -> Verdict:
    """Send one request, in a thread, and say what becomes of it. Raises nothing a request can cause.

    Where the other side sends back what it was signed in with, that is taken out before anybody reads the answer.
    """
    if isinstance(ready.outgoing, Verdict):
        return ready.outgoing
    try:
        answered: Answered = door.send(ready.outgoing, bounds=bounds_of(request))
    except (NotAllowed, NotTrusted) as error:
        return Verdict(State.DEAD, str(error))
    except NotReached as error:
        if request.get("once") and error.begun:
            sentence = _("%(why)s It may have been taken: look there before you have it sent again.")
            return Verdict(State.UNCERTAIN, sentence % {"why": error})
        return Verdict(State.PENDING, str(error))
    answered = replace(answered, body=veils.veiled(answered.body, ready.hidden))
    if found := reader_of(request):
        reader, mark = found
        return reader.judge(answered, mark, ready.at)
    return judged(answered, request.get("outputs") or [], ready.at, request.get("passing"))


def bounds_of(request: dict[str, Any]) -> Bounds:
    """How long a request may take, and how much of its answer is read; below the lease of who sends it."""
    if "seconds" not in request:
        return BOUNDS
    return Bounds(connect=BOUNDS.connect, whole=float(request["seconds"]), size=int(request["size"]))


def end(finished: Sequence[tuple[Delivery, Future[Verdict]]], now: dt.datetime) -> None:
    """Settle requests that were sent, together; where that fails, each for itself.

    One whose answer cannot be kept is given up, and keeps no other from its end.
    """
    try:
        settle([(delivery, future.result()) for delivery, future in finished], now)
    except (DataError, ValueError, RecursionError):
        if len(finished) > 1:
            for one in finished:
                end([one], now)
            return
        delivery = finished[0][0]
        logger.exception("The answer to delivery %s cannot be kept", delivery.pk, extra={"delivery": delivery.pk})
        settle([(delivery, Verdict(State.DEAD, _("The answer of the other system cannot be kept.")))], now)


def settle(verdicts: Sequence[tuple[Delivery, Verdict]], now: dt.datetime) -> None:
    """Note what became of requests, and let the records go on that wait for them, in one transaction."""
    rows = [ended(delivery, verdict, now) for delivery, verdict in verdicts]
    facts: dict[str, Any] = {"rows": json.dumps(rows, cls=DjangoJSONEncoder)}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(END, facts)
            changed = {pk for (pk,) in cursor.fetchall()}
        if over := [row["id"] for row in rows if row["id"] in changed and row["state"] != State.PENDING]:
            ordering.wake(over, now)
        for delivery, verdict in verdicts:
            if delivery.pk in changed and (found := reader_of(delivery.request)):
                reader, mark = found
                reader.settled(mark, verdict, now)
    for row, (delivery, _verdict) in zip(rows, verdicts, strict=True):
        told = {"delivery": delivery.pk, "key": delivery.key, "enrollment": delivery.enrollment_id}
        told |= {"state": row["state"], "attempts": delivery.attempts}
        logger.info("Delivery %s: %s", delivery.pk, row["state"], extra=told)


def ended(delivery: Delivery, verdict: Verdict, now: dt.datetime) -> dict[str, Any]:
    """What is kept of one that was sent."""
    state, error, due_at = str(verdict.state), verdict.error, None
    if state == State.PENDING and delivery.attempts > len(BACKOFF):
        state = str(State.DEAD)
        error = _("%(why)s It was sent %(count)d times, so it was given up.") % {
            "why": error, "count": delivery.attempts
        }  # fmt: skip
    if state == State.PENDING:
        seconds = BACKOFF[delivery.attempts - 1] * random.uniform(0.9, 1.1)
        due_at = max(now + dt.timedelta(seconds=seconds), verdict.not_before or now)
    kept = {key: value for key, value in (delivery.answer or {}).items() if key == "tries"}
    return {
        "id": delivery.pk, "claim": delivery.claim, "state": state, "last_error": error[:2_000],
        "due_at": due_at.isoformat() if due_at else None,
        "done_at": now.isoformat() if state in (State.DONE, State.SKIPPED) else None,
        "answer": kept | (verdict.answer or {}) or None,
    }  # fmt: skip
