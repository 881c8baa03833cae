"""Sending what waits in the outbox: at least once, by key, an interrupted mail is not sent blindly again.

Requests to other systems have a sender of their own (workflows.outbox.requesting).
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
import uuid
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from workflows.chores import Chore
from workflows.engine import limits
from workflows.engine.limits import OPEN_KINDS
from workflows.failpoints import reach
from workflows.models import Delivery
from workflows.outbox import mails
from workflows.outbox.mailing import NOT_NOW, Refused, Unclear, send_mail
from workflows.outbox.ordering import KIND

logger = logging.getLogger(__name__)

#: Seconds between attempts: about a day and a half in all. Given up after the last.
BACKOFF = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400)
AT_ONCE = 20
#: How long one that is being sent belongs to its sender.
LEASE = dt.timedelta(seconds=120)
#: How long those that were claimed and are not begun do: somebody else may begin them at any time, and nobody does so
#: twice. So what keeps a sender, or kills it, does not keep the others waiting.
HELD = dt.timedelta(seconds=10)
#: Seconds after which a round begins no further one: a mail server may be slow with each.
ROUND_SECONDS = 5.0
READY = """
    SELECT id FROM workflows_delivery WHERE state = 'pending' AND kind = %(kind)s AND due_at <= %(now)s
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
# Claimed ones are due again after a while: only the one whose sending has begun is ever uncertain.
CLAIM = """
    UPDATE workflows_delivery SET claim = %(token)s, due_at = %(now)s + %(held)s WHERE id = ANY(%(ids)s)
"""
BEGIN = """
    UPDATE workflows_delivery SET
        state = 'sending', claimed_until = clock_timestamp() + %(lease)s, attempts = attempts + 1
    WHERE id = %(id)s AND claim = %(token)s AND state = 'pending'
"""
# Requests are known by their key where they go, but for those marked `once`.
INTERRUPTED = """
    UPDATE workflows_delivery SET
        state = CASE WHEN kind = 'webhook' AND NOT request ? 'once' THEN 'pending' ELSE 'uncertain' END,
        last_error = CASE WHEN kind = 'webhook' AND NOT request ? 'once' THEN last_error ELSE %(error)s END
    WHERE state = 'sending' AND claimed_until < clock_timestamp()
"""

INTERRUPTED_SINCE = """
    SELECT min(claimed_until) FROM workflows_delivery WHERE state = 'sending' AND claimed_until < statement_timestamp()
"""


#: When this process has served a kind last, counted in claims.
turns: dict[str, int] = {}


class Unwanted(Exception):
    """It must not be sent any more; the sentence says why."""


def deliver(now: dt.datetime, limit: int = AT_ONCE) -> int:
    """Claim some deliveries of one kind due at `now` and send them; how many were claimed.

    Each kind has its turn, so that many mails do not keep a webhook waiting, and as many as its limit lets through.
    Each ends as done, pending again (later), dead, or uncertain; those there was no time for are free again. No
    transaction is open while one is sent.
    """
    token, began = uuid.uuid4(), time.monotonic()
    if not claim(token, now, limit):
        return 0
    reach("after_delivery_claim")
    claimed = list(Delivery.objects.filter(claim=token, state=Delivery.State.PENDING).order_by("pk"))
    for position, delivery in enumerate(claimed):
        if position and time.monotonic() - began > ROUND_SECONDS:
            free(claimed[position:], now)
            return position
        reach("before_delivery")
        if not begin(delivery):
            continue
        try:
            send(delivery)
        except Unwanted as error:
            finish(delivery, Delivery.State.SKIPPED, now, str(error))
        except Refused as error:
            finish(delivery, Delivery.State.DEAD, now, str(error), bounced=error.bounced)
        except Unclear as error:
            finish(delivery, Delivery.State.UNCERTAIN, now, str(error))
        except NOT_NOW as error:
            postpone(delivery, now, f"{type(error).__name__}: {error}")
        except BaseException:
            # Those not begun yet may be sent by somebody else; the one under way is found by its lease.
            free(claimed[position + 1 :], now)
            raise
        else:
            reach("after_delivery")
            finish(delivery, Delivery.State.DONE, now, "")
        reach("after_result")
    return len(claimed)


def claim(token: uuid.UUID, now: dt.datetime, limit: int) -> int:
    """Claim deliveries of the kind whose turn it is among those that have any; how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OPEN_KINDS, {"now": now})
        open_kinds = (kind for (kind,) in cursor.fetchall() if kind != KIND)
        kinds = sorted(open_kinds, key=lambda kind: turns.get(kind, 0))
        for kind in kinds:
            turns[kind] = max(turns.values(), default=0) + 1
            cursor.execute(READY, {"kind": kind, "now": now, "limit": limit})
            ids = [pk for (pk,) in cursor.fetchall()]
            if ids and (allowed := limits.of_deliveries(kind)):
                # One at a time: what is claimed and never begun would have used up the limit for nothing.
                ids = ids[: limits.take(f"{limits.DELIVERY}{kind}", allowed, 1, now).count]
            if ids:
                facts: dict[str, Any] = {"token": token, "held": HELD, "ids": ids, "now": now}
                cursor.execute(CLAIM, facts)
                return len(ids)
    return 0


def free(claimed: list[Delivery], now: dt.datetime) -> None:
    """Let somebody else send what was claimed and is not begun."""
    ours = Q(pk__in=[delivery.pk for delivery in claimed], claim__in={delivery.claim for delivery in claimed})
    Delivery.objects.filter(ours, state=Delivery.State.PENDING).update(claim=None, due_at=now)


def begin(delivery: Delivery) -> bool:
    """Note that a claimed delivery is being sent from now on; False when somebody else has it by now."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"id": delivery.pk, "token": delivery.claim, "lease": LEASE}
        cursor.execute(BEGIN, facts)
        begun = bool(cursor.rowcount)
    delivery.attempts += begun
    return begun


def recover() -> int:
    """Deliveries whose sender died on the way: nobody knows whether they arrived; how many there were.

    Mails and messages wait for somebody to look; other requests are sent again, as their receivers know their key.
    """
    error = _("The sender was stopped while it sent this message. Check whether it arrived before sending it again.")
    with connection.cursor() as cursor:
        cursor.execute(INTERRUPTED, {"error": error})
        return cursor.rowcount


def interrupted_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the lease of a sender that died has been over; None when nobody has died."""
    with connection.cursor() as cursor:
        cursor.execute(INTERRUPTED_SINCE)
        found: dt.datetime | None = cursor.fetchone()[0]
        return found


#: Whoever looks after chores finds them, also where no tick ever runs because workers come when they are called.
CHORE = Chore(interrupted_since, lambda now: recover())


def send(delivery: Delivery) -> None:
    """Perform one delivery. Raises Unwanted, Refused, Unclear, or the connection's error if it may be tried again."""
    kind = mails.kinds.get(delivery.kind)
    if kind is None:
        raise Refused(_("Deliveries of the kind “%(kind)s” are not known here.") % {"kind": delivery.kind})
    if objection := kind.objection(delivery):
        raise Unwanted(objection)
    readdress(delivery, kind.address(delivery))
    send_mail(delivery)


def readdress(delivery: Delivery, address: str) -> None:
    """Keep where a mail goes, before it does, where that is another address than when it was written."""
    if address == delivery.request["to"]:
        return
    delivery.request["to"] = address
    ours = Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim, state=Delivery.State.SENDING)
    ours.update(request=delivery.request)


def finish(delivery: Delivery, state: str, now: dt.datetime, error: str, *, bounced: bool = False) -> None:
    done_at = now if state in (Delivery.State.DONE, Delivery.State.SKIPPED) else None
    with transaction.atomic():
        ours = Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim, state=Delivery.State.SENDING)
        ended = ours.update(state=state, done_at=done_at, last_error=error[:2_000], claim=None, claimed_until=None)
        if ended and delivery.kind in mails.kinds:
            mails.kinds[delivery.kind].ended(delivery, mails.Ending(state, error, bounced), now)
    log(delivery, state)


def log(delivery: Delivery, state: str) -> None:
    """A line about an attempt: its identity and how it ended, nothing of what it says and to whom."""
    facts = {"delivery": delivery.pk, "key": delivery.key, "enrollment": delivery.enrollment_id, "state": str(state)}
    logger.info("Delivery %s: %s", delivery.pk, state, extra={**facts, "attempts": delivery.attempts})


def postpone(delivery: Delivery, now: dt.datetime, error: str) -> None:
    """Try again later, each time later; given up after the last time."""
    if delivery.attempts > len(BACKOFF):
        finish(delivery, Delivery.State.DEAD, now, error)
        return
    seconds = BACKOFF[delivery.attempts - 1] * random.uniform(0.9, 1.1)
    due_at = now + dt.timedelta(seconds=seconds)
    ours = Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim, state=Delivery.State.SENDING)
    ours.update(state=Delivery.State.PENDING, due_at=due_at, last_error=error[:2_000], claim=None, claimed_until=None)
    log(delivery, Delivery.State.PENDING)
