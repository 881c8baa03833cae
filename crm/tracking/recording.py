"""Recording: hits become events of contacts, many at once, in the background.

Requests only add rows, so that a busy website costs the engine no more than one statement for each kind of event in
a batch. What a visitor nobody knows has done is kept, and recorded when somebody identifies the visitor.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction

from crm.models import CallToAction, CookieConsent, Hit, Visitor
from crm.tracking.attributing import attribute
from records.happening import EARLIER, Occurrence, check, record
from records.merging.remembering import merged_into
from records.object_types import object_types

logger = logging.getLogger(__name__)
BATCH = 2_000
#: A pass leaves room for the engine after so many batches.
BATCHES = 5
SWEPT = 5_000
CONSENT = "cookie_consent_given"
COUNTED = ("cta_viewed", "cta_clicked")

TAKE = """
    SELECT id FROM crm_hit WHERE state <> 1 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
# Taken in the order of their keys, so that two batches wait for each other instead of blocking one another.
MEET = """
    INSERT INTO crm_visitor AS v (key, seen_at, consent)
    SELECT visitor, max(received_at),
        COALESCE((array_agg(facts ->> 'consent' ORDER BY id DESC) FILTER (WHERE kind = %(consent)s))[1], '')
    FROM crm_hit WHERE id = ANY(%(ids)s) AND visitor <> '' GROUP BY visitor ORDER BY visitor
    ON CONFLICT (key) DO UPDATE SET seen_at = GREATEST(v.seen_at, EXCLUDED.seen_at),
        consent = COALESCE(NULLIF(EXCLUDED.consent, ''), v.consent)
"""
WHOSE = """
    SELECT h.id, h.kind, h.facts, h.occurred_at, h.received_at, h.key, h.state, h.visitor, h.address,
        COALESCE(h.contact_id, v.contact_id, c.id) AS contact_id,
        h.contact_id IS NULL AND h.address = '' AND (h.state = 2 OR h.received_at < v.identified_at) AS earlier
    FROM crm_hit h
    LEFT JOIN crm_visitor v ON v.key = h.visitor
    LEFT JOIN crm_contact c ON h.address <> '' AND c.email = h.address AND c.deleted_at IS NULL
    WHERE h.id = ANY(%(ids)s) ORDER BY h.id
"""
# In the order of the slugs, so that two batches wait for each other.
COUNT = """
    INSERT INTO crm_calltoactiontally AS t (call_to_action_id, views, clicks)
    SELECT c.id, g.views, g.clicks
    FROM unnest(%(slugs)s::text[], %(views)s::bigint[], %(clicks)s::bigint[]) AS g (slug, views, clicks)
    JOIN crm_calltoaction c USING (slug) ORDER BY slug
    ON CONFLICT (call_to_action_id) DO UPDATE
        SET views = t.views + EXCLUDED.views, clicks = t.clicks + EXCLUDED.clicks
"""


@dataclass(frozen=True)
class Found:
    """One hit and whom it is about: `contact_id` is None while nobody knows. `earlier`: before it was known."""

    id: int
    kind: str
    facts: dict[str, Any]
    occurred_at: dt.datetime
    received_at: dt.datetime
    key: str | None
    state: int
    visitor: str
    address: str
    contact_id: int | None
    earlier: bool


def record_hits(now: dt.datetime) -> int:
    """Look at what trackers have told, a few batches at most; how many hits were looked at."""
    total = 0
    for _round in range(BATCHES):
        looked_at = record_batch(now)
        total += looked_at
        if not looked_at:
            break
    return total + sweep(now)


def record_batch(now: dt.datetime, limit: int = BATCH) -> int:
    """Look at the oldest hits; one the database refuses is left out alone, and said in the log."""
    try:
        return look_at_oldest(now, limit)
    except (DataError, IntegrityError) as error:
        if limit > 1:
            return record_batch(now, limit // 2)
        return leave_out_oldest(error)


def leave_out_oldest(error: Exception) -> int:
    with transaction.atomic():
        waiting = Hit.objects.exclude(state=Hit.State.KEPT).select_for_update(skip_locked=True).order_by("pk")
        refused = waiting.first()
        if refused is None:
            return 0
        logger.error("A hit of kind %s was refused by the database and left out: %s", refused.kind, error)
        refused.delete()
    return 1


def look_at_oldest(now: dt.datetime, limit: int) -> int:
    """Record the oldest hits in one transaction; each becomes an event exactly once."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TAKE, [limit])
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        cursor.execute(MEET, {"ids": ids, "consent": CONSENT})
        cursor.execute(WHOSE, {"ids": ids})
        found = followed([Found(*row) for row in read_rows(cursor)])
        count_calls(hit for hit in found if hit.state == Hit.State.NEW)
        known = [hit for hit in found if hit.contact_id is not None]
        tell(known, now)
        attribute(known, now)
        keep([hit for hit in found if hit.contact_id is None])
        Hit.objects.filter(pk__in=[hit.id for hit in known]).delete()
    return len(ids)


def read_rows(cursor: Any) -> Iterable[tuple[Any, ...]]:
    for number, kind, facts, *more, earlier in cursor.fetchall():
        yield number, kind, json.loads(facts), *more, bool(earlier)


def followed(hits: Sequence[Found]) -> list[Found]:
    """The hits, those of merged contacts as of what these went into: a mail is opened long after it was sent."""
    into = merged_into(object_types["contact"], {hit.contact_id for hit in hits if hit.contact_id is not None})
    return [replace(hit, contact_id=into.get(hit.contact_id or 0, hit.contact_id)) for hit in hits]


def tell(hits: Sequence[Found], now: dt.datetime) -> None:
    """Record the events, a statement for each kind of event, and one more for those of before."""
    groups: dict[tuple[str, bool], list[Found]] = {}
    for hit in named(hits):
        groups.setdefault((hit.kind, hit.earlier), []).append(hit)
    contacts = object_types["contact"]
    for (kind, earlier), group in sorted(groups.items()):
        told = [Occurrence(hit.contact_id or 0, hit.facts, hit.occurred_at, hit.key) for hit in group]
        rows, problems = check(kind, contacts, told, now=now)
        for found in list(problems.values())[:3]:
            logger.warning("A hit of kind %s was left out: %s", kind, found[0].message)
        record(kind, contacts, list(rows.values()), now=now, source=EARLIER if earlier else None)


def count_calls(hits: Iterable[Found]) -> None:
    """Count views and clicks of calls to action, whoever it was."""
    counts: dict[str, list[int]] = {}
    for hit in hits:
        if hit.kind in COUNTED:
            counts.setdefault(str(hit.facts.get("call_to_action")), [0, 0])[COUNTED.index(hit.kind)] += 1
    if counts:
        slugs, views, clicks = zip(*((slug, *numbers) for slug, numbers in sorted(counts.items())), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"slugs": list(slugs), "views": list(views), "clicks": list(clicks)})


def named(hits: Sequence[Found]) -> list[Found]:
    """The hits with the names of their calls to action; without those of calls to action there are not."""
    if not any(hit.kind in COUNTED for hit in hits):
        return list(hits)
    names = dict(CallToAction.objects.values_list("slug", "name"))
    found = []
    for hit in hits:
        if hit.kind not in COUNTED:
            found.append(hit)
        elif name := names.get(str(hit.facts.get("call_to_action"))):
            found.append(replace(hit, facts={**hit.facts, "cta": name}))
    return found


def keep(hits: Sequence[Found]) -> None:
    """Keep what visitors did whom nobody knows yet; nothing of those who do not want it, nor of unknown addresses."""
    refusing = {
        hit.visitor for hit in hits if hit.kind == CONSENT and hit.facts.get("consent") != CookieConsent.ACCEPTED
    }
    kept = [hit.id for hit in hits if hit.visitor and hit.visitor not in refusing]
    Hit.objects.filter(pk__in=kept).update(state=Hit.State.KEPT)
    Hit.objects.filter(pk__in={hit.id for hit in hits} - set(kept)).delete()
    if refusing:
        Hit.objects.filter(visitor__in=refusing, state=Hit.State.KEPT).delete()


def sweep(now: dt.datetime) -> int:
    """Forget some of what is older than TRACKING_ANONYMOUS_DAYS and of visitors nobody knows; how much it was."""
    before = now - dt.timedelta(days=settings.TRACKING_ANONYMOUS_DAYS)
    hits = Hit.objects.filter(state=Hit.State.KEPT, received_at__lt=before).values("pk")[:SWEPT]
    gone, _models = Hit.objects.filter(pk__in=hits).delete()
    visitors = Visitor.objects.filter(contact=None, seen_at__lt=before).values("pk")[:SWEPT]
    return gone + Visitor.objects.filter(pk__in=visitors).delete()[0]


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the oldest hit nobody has looked at has been waiting; None when there is none."""
    waiting = Hit.objects.exclude(state=Hit.State.KEPT).order_by("pk").values_list("received_at", flat=True).first()
    if waiting is not None:
        return waiting
    before = now - dt.timedelta(days=settings.TRACKING_ANONYMOUS_DAYS)
    old = Hit.objects.filter(state=Hit.State.KEPT, received_at__lt=before)
    return before if old.exists() or Visitor.objects.filter(contact=None, seen_at__lt=before).exists() else None
