"""The requests a webhook has received, as lines of a page."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.urls import NoReverseMatch, reverse

from records.object_types import object_types
from records.seeing import may_see
from workflows.models import Webhook, WebhookRequest
from workflows.webhooks import telling

PER_PAGE = 50
LATEST = 10
#: How much of a payload a line shows.
SHOWN = 20_000
Outcome = WebhookRequest.Outcome
COLOURS = {Outcome.MATCHED: "ok", Outcome.WAITING: "info", Outcome.FAILED: "danger", Outcome.REFUSED: "danger"}


@dataclass(frozen=True)
class Line:
    """One request. `url` leads to the record it matched; "" where there is none to be seen."""

    id: int
    at: dt.datetime
    outcome: str
    colour: str
    sentence: str
    payload: str
    url: str


def lines(webhook: Webhook, rows: Sequence[WebhookRequest], user: Any) -> list[Line]:
    """The requests with what became of them. Two statements at most.

    Who may not see the records learns neither their names nor what was sent about them, as by the API.
    """
    kind = object_types.get(webhook.object_type)
    ids = {row.record_id for row in rows if row.record_id is not None}
    seen = kind is not None and may_see(user, kind)
    records = {one.pk: one for one in kind.records().filter(pk__in=ids)} if kind and seen and ids else {}
    found = []
    for row in rows:
        record = records.get(row.record_id)
        name = kind.name_of(record) if kind and record is not None else ""
        url = address_of(kind, record.pk) if kind and record is not None else ""
        colour = COLOURS.get(Outcome(row.outcome), "warn")
        sentence, payload = (telling.sentence(webhook, row, name), payload_of(row)) if seen else ("", "")
        found.append(Line(row.pk, row.received_at, row.get_outcome_display(), colour, sentence, payload, url))
    return found


def payload_of(row: WebhookRequest) -> str:
    """What was sent, as text."""
    if row.payload is None:
        return str(row.detail.get("body", ""))
    return json.dumps(row.payload, indent=2, ensure_ascii=False)[:SHOWN]


def address_of(kind: Any, pk: int) -> str:
    meta = kind.model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


def latest(webhook: Webhook, user: Any) -> list[Line]:
    rows = WebhookRequest.objects.filter(webhook=webhook).order_by("-pk")[:LATEST]
    return lines(webhook, list(rows), user)


def page_of(webhook: Webhook, number: str, user: Any) -> Page[Any]:
    """The page of this number, the nearest there is; the newest request comes first."""
    paginator: Paginator[Any] = Paginator(WebhookRequest.objects.filter(webhook=webhook).order_by("-pk"), PER_PAGE)
    page = paginator.get_page(number)
    page.object_list = lines(webhook, list(page.object_list), user)
    return page
