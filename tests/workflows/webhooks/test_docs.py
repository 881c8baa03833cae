"""docs/webhooks.md: its examples are run as they are written."""

from __future__ import annotations

import re
import shlex
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from crm.models import Contact
from records.models import Event
from tests.workflows.webhooks.sending import address_of, match, webhook_of
from workflows.models import WebhookRequest
from workflows.webhooks import keeping

pytestmark = pytest.mark.django_db
TEXT = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()


def run_curl(command: str, address: str) -> Any:
    """What curl would send, for the options the page uses."""
    words = shlex.split(command.replace("\\\n", " ").replace("$ADDRESS", address))
    assert words.pop(0) == "curl"
    headers, body, place = {}, "", ""
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _colon, value = words.pop(0).partition(":")
            headers[name] = value.strip()
        elif word == "-d":
            body = words.pop(0)
        else:
            place = word
    return Client().post(place, body, content_type=headers.pop("Content-Type"), headers=headers)


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_request_is_received_once_and_is_an_event_of_its_contact():
    sample = {"order": {"id": 1, "total": 1, "paid": False}, "customer": {"email": "x@example.com"}}
    webhook = webhook_of(sample=sample)
    ann = Contact.objects.create(email="ann@example.com")
    replies = [run_curl(examples("sh")[0], address_of(webhook)) for _each in range(2)]
    assert [reply.status_code for reply in replies] == [202, 202]
    assert uuid.UUID(replies[0].json()["id"]) == uuid.UUID(replies[1].json()["id"])
    match()
    event = Event.objects.get()
    assert event.record_id == ann.pk
    assert event.properties == {
        "order_id": 17, "order_total": 49.9, "order_paid": True, "customer_email": "ann@example.com",
    }  # fmt: skip


def test_a_request_signed_as_the_page_says_is_taken():
    webhook = webhook_of()
    secret = keeping.demand_signature(webhook)
    names: dict[str, Any] = {}
    exec(examples("python")[0], names)
    body = '{"customer": {"email": "ann@example.com"}}'
    sent = names["headers"](secret, "order-18", body)
    answer = Client().post(address_of(webhook), body, content_type="application/json", headers=sent)
    assert answer.status_code == 202
    assert Client().post(address_of(webhook), "{}", content_type="application/json", headers=sent).status_code == 401


def test_every_outcome_and_setting_is_on_the_page():
    for outcome in WebhookRequest.Outcome:
        assert f"| {outcome.label} |" in TEXT
    for name in ("WEBHOOK_LIMIT", "WEBHOOK_BODY_LIMIT", "WEBHOOK_RATE_LIMIT", "WEBHOOK_LOG_DAYS"):
        assert f"`{name}`" in TEXT and hasattr(settings, name)
