"""Matching: received requests become events of the records they are about, many at once and each exactly once.

No match is logged; nothing is enrolled and nothing is created (WBH-02).
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from records.api.tallying import tally
from records.happening import record
from records.object_types import ObjectType, object_types
from records.properties import Property
from records.saving.matching import holders, stored_key
from workflows.chores import Chore
from workflows.models import Webhook, WebhookProperty, WebhookRequest
from workflows.webhooks import mapping
from workflows.webhooks.flattening import NOTHING, value_at
from workflows.webhooks.keeping import is_matched

logger = logging.getLogger(__name__)
Outcome = WebhookRequest.Outcome

BATCH = 500
#: One at a time, so that the requests about one record become events in their order.
LOCK = (7301, 7)
#: How much of a value the log shows.
SHOWN = 200
#: What outcomes are counted as for `/metrics`.
TALLIED = "webhook-outcome"
WRITE = """
    UPDATE workflows_webhookrequest AS request
    SET outcome = told.outcome, detail = told.detail, record_id = told.record_id, event_id = told.event_id
    FROM jsonb_to_recordset(%s::jsonb)
        AS told (id bigint, outcome text, detail jsonb, record_id bigint, event_id bigint)
    WHERE request.id = told.id
"""
Told = dict[str, Any]


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the oldest request has been waiting."""
    waiting = WebhookRequest.objects.filter(outcome=Outcome.WAITING).order_by("pk")
    return waiting.values_list("received_at", flat=True).first()


def match(now: dt.datetime) -> int:
    """Deal with the oldest waiting requests in one transaction; how many they were."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
        if not cursor.fetchone()[0]:
            return 0
        waiting = WebhookRequest.objects.filter(outcome=Outcome.WAITING).select_for_update().order_by("pk")
        rows = list(waiting[:BATCH])
        known = Webhook.objects.prefetch_related("properties").in_bulk({row.webhook_id for row in rows})
        told: list[Told] = []
        # Of several webhooks about the same records each has an event of its own: their order means nothing.
        for pk, group in groupby(sorted(rows, key=lambda row: (row.webhook_id, row.pk)), lambda row: row.webhook_id):
            told += attempt(known[pk], list(group), now)
        if told:
            cursor.execute(WRITE, [json.dumps(told)])
            outcomes = Counter(str(one["outcome"]) for one in told)
            transaction.on_commit(lambda: tell(outcomes), robust=True)
    return len(rows)


def tell(outcomes: Mapping[str, int]) -> None:
    """Count what became of requests, for `/metrics`."""
    for outcome, number in outcomes.items():
        tally(TALLIED, outcome, number)


def attempt(webhook: Webhook, rows: list[WebhookRequest], now: dt.datetime) -> list[Told]:
    """`match_rows`; where something unforeseen happens, for each request alone, so that only it fails."""
    try:
        with transaction.atomic():
            return match_rows(webhook, rows, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(rows) > 1:
            return [one for row in rows for one in attempt(webhook, [row], now)]
        logger.exception("The webhook request %s could not be dealt with.", rows[0].public)
        return [told_of(rows[0], Outcome.FAILED)]


def match_rows(webhook: Webhook, rows: list[WebhookRequest], now: dt.datetime) -> list[Told]:
    """Two statements for the requests of one webhook: whom they are about, and what happened to these."""
    kind = object_types.get(webhook.object_type)
    if kind is None or not is_matched(webhook, kind):
        return [told_of(row, Outcome.UNFINISHED) for row in rows]
    prop = kind.properties()[webhook.match_property]
    found, told = records_of(webhook, kind, prop, rows)
    properties = [one for one in webhook.properties.all() if not one.removed]
    events, blanks = [], {}
    for place, row in enumerate(rows):
        if row.pk in found:
            values, blanks[row.pk] = values_of(properties, row.payload)
            events.append(
                {
                    "place": place, "record_id": found[row.pk], "properties": values,
                    "occurred_at": row.received_at.isoformat(), "key": None,
                }
            )  # fmt: skip
    source = {"kind": "webhook", "webhook": webhook.pk}
    made = record(webhook.slug, kind, events, now=now, source=source).made
    for place, row in enumerate(rows):
        if row.pk in found:
            blank = {"blank": blanks[row.pk]} if blanks[row.pk] else {}
            outcome = Outcome.MATCHED if place in made else Outcome.UNMATCHED
            told.append(told_of(row, outcome, blank, record=found[row.pk], event=made.get(place)))
    return told


def records_of(
    webhook: Webhook, kind: ObjectType, prop: Property, rows: Sequence[WebhookRequest]
) -> tuple[dict[int, int], list[Told]]:
    """The record each request is about, and what is told of those that are about none. One statement."""
    values: dict[int, Any] = {}
    told: list[Told] = []
    for row in rows:
        raw = value_at(row.payload, webhook.match_path)
        facts = {"path": webhook.match_path, "property": str(prop.label)}
        try:
            value = None if raw is NOTHING else prop.clean(raw)
        except (ValueError, TypeError):
            told.append(told_of(row, Outcome.UNMATCHED, facts | {"value": str(raw)[:SHOWN]}))
            continue
        if value is None:
            told.append(told_of(row, Outcome.UNUSABLE, facts))
        else:
            values[row.pk] = value
    held = holders(kind, prop, values.values()) if values else {}
    found = {pk: ids[0] for pk, value in values.items() if (ids := held.get(stored_key(prop, value)))}
    for row in rows:
        if row.pk in values and row.pk not in found:
            facts = {"property": str(prop.label), "value": str(values[row.pk])[:SHOWN]}
            told.append(told_of(row, Outcome.UNMATCHED, facts))
    return found, told


def values_of(properties: Sequence[WebhookProperty], payload: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The event's properties as they are stored, and what did not fit its type and is blank therefore."""
    values: dict[str, Any] = {}
    blanks = []
    for one in properties:
        raw = value_at(payload, one.path)
        try:
            value = mapping.read(raw, one.type)
        except (ValueError, TypeError):
            blanks.append({"label": one.label, "value": str(raw)[:SHOWN], "type": one.type})
            continue
        if value is not None:
            values[one.slug] = Property(one.slug, one.label, one.type).kind.to_storage(value)
    return values, blanks


def told_of(
    row: WebhookRequest,
    outcome: str,
    detail: Told | None = None,
    *,
    record: int | None = None,
    event: int | None = None,
) -> Told:
    return {"id": row.pk, "outcome": outcome, "detail": detail or {}, "record_id": record, "event_id": event}


CHORE = Chore(waiting_since, match)
