"""Webhooks made for tests, and what an app that sends to them does."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from records.clock import database_now
from workflows.models import Webhook
from workflows.webhooks import keeping, mapping, matching

SHOP = {"order": {"id": 17, "total": "49.90", "paid": True}, "customer": {"email": "Ada@Example.com"}, "tags": ["new"]}


def address_of(webhook: Webhook) -> str:
    return f"/hooks/{keeping.token_of(webhook)}/"


def send(webhook: Webhook, payload: Any = SHOP, *, body: str | None = None, **headers: str) -> Any:
    """What Headrace answers an app that posts JSON, or `body` as it is."""
    kind = headers.pop("content_type", "application/json")
    text = json.dumps(payload) if body is None else body
    return Client(enforce_csrf_checks=True).post(address_of(webhook), text, content_type=kind, headers=headers)


def webhook_of(name: str = "Shop orders", sample: Any = SHOP, path: str = "customer.email") -> Webhook:
    """A webhook for contacts, found by their email; nothing in its log."""
    webhook = keeping.create(name, "contact")
    mapping.capture(webhook, sample, database_now())
    keeping.match_by(webhook, path, "email")
    webhook.refresh_from_db()
    return webhook


def match() -> None:
    while matching.match(database_now()):
        pass
