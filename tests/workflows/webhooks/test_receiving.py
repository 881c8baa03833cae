"""The address of a webhook: what it takes, what it refuses, and what is told."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from standardwebhooks.webhooks import Webhook as Sender

from records.api import throttling
from records.api.throttling import counter
from records.clock import database_now
from tests.workflows.webhooks.sending import SHOP, address_of, send, webhook_of
from workflows.models import WebhookRequest
from workflows.webhooks import keeping, mapping, telling

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_counts(monkeypatch):
    """Each test counts from zero, in this process and for longer than it takes."""
    monkeypatch.setattr(throttling, "WINDOW", 1_000_000)
    monkeypatch.setattr(counter, "paused_until", float("inf"))
    counter.local.clear()
    cache.clear()


def signed(secret: str, payload: object = SHOP, key: str = "msg_1", age: int = 0) -> dict[str, str]:
    """The headers the specification's own library would send."""
    at = database_now().replace(microsecond=0)
    at = at.fromtimestamp(at.timestamp() - age, at.tzinfo)
    signature = Sender(secret).sign(key, at, json.dumps(payload))
    return {"webhook-id": key, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


@pytest.mark.covers("WBH-05")
def test_what_is_posted_to_the_address_is_accepted_and_kept():
    webhook = webhook_of()
    reply = send(webhook)
    assert reply.status_code == 202
    request = WebhookRequest.objects.get()
    assert reply.json() == {"id": str(request.public)}
    assert (request.payload, request.outcome) == (SHOP, "waiting")


def test_a_request_costs_a_few_statements_and_needs_no_session():
    webhook = webhook_of()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        reply = send(webhook)
    statements = [one["sql"] for one in asked if "SAVEPOINT" not in one["sql"]]
    assert len(statements) == 3, statements
    assert not reply.cookies


def test_an_address_that_is_none_is_not_found_and_guessing_is_slow(settings):
    settings.API_FAILURES_PER_10_S = 3
    client = Client()
    codes = [
        client.post(f"/hooks/{uuid.uuid4().hex}/", "{}", content_type="application/json").status_code
        for _each in range(5)
    ]
    assert codes == [404, 404, 404, 429, 429]
    assert not WebhookRequest.objects.exists()


def test_after_rotating_only_the_new_address_is_one():
    webhook = webhook_of()
    before = address_of(webhook)
    keeping.rotate(webhook)
    assert Client().post(before, "{}", content_type="application/json").status_code == 404
    assert send(webhook).status_code == 202
    assert (
        keeping.token_of(webhook) not in webhook.token_sealed and keeping.token_of(webhook) not in webhook.token_digest
    )


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_only_post_is_taken_wherever(method):
    webhook = webhook_of()
    for place in (address_of(webhook), "/hooks/nowhere/"):
        assert getattr(Client(), method)(place).status_code == 405


def test_a_body_that_is_too_large_is_refused_and_logged(settings):
    settings.WEBHOOK_BODY_LIMIT = 100
    webhook = webhook_of()
    assert send(webhook, {"text": "x" * 100}).status_code == 413
    assert WebhookRequest.objects.get().detail == {"why": "size"}


def test_too_many_requests_are_refused_and_logged_once(settings):
    settings.WEBHOOK_RATE_LIMIT = 2
    webhook = webhook_of()
    replies = [send(webhook) for _each in range(5)]
    assert [one.status_code for one in replies] == [202, 202, 429, 429, 429]
    assert replies[-1].headers["Retry-After"] == "10"
    assert WebhookRequest.objects.filter(outcome="refused").count() == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{", "application/json"), ("3", "application/json"), ('{"a": NaN}', "application/json"),
        ('{"a": "\\u0000"}', "application/json"), ('{"a": "\\ud800"}', "application/json"),
        ("[" * 100_000, "application/json"), ("", "application/json"), ("a=%00", "application/x-www-form-urlencoded"),
        ("&".join(f"a{n}=1" for n in range(1_500)), "application/x-www-form-urlencoded"),
        ("--x--", "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused_and_logged(body, kind):
    webhook = webhook_of()
    reply = send(webhook, body=body, content_type=kind)
    assert reply.status_code == 400
    request = WebhookRequest.objects.get()
    assert (request.outcome, request.payload, request.detail["why"]) == ("refused", None, "unreadable")
    assert request.detail["error"] in reply.json()["detail"]


def test_a_form_is_taken_like_json():
    webhook = webhook_of()
    body = "email=ada%40example.com&tag=a&tag=b&name=%C3%85sa"
    assert send(webhook, body=body, content_type="application/x-www-form-urlencoded").status_code == 202
    assert WebhookRequest.objects.get().payload == {"email": "ada@example.com", "tag": ["a", "b"], "name": "Åsa"}


def test_a_message_that_comes_again_is_answered_alike_and_kept_once():
    webhook, other = webhook_of(), webhook_of("Other")
    first, again = send(webhook, **{"webhook-id": "msg_7"}), send(webhook, {"a": 1}, **{"webhook-id": "msg_7"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert send(other, **{"webhook-id": "msg_7"}).json() != first.json()
    assert WebhookRequest.objects.count() == 2
    assert send(webhook, **{"webhook-id": "x" * 256}).status_code == 400


def test_a_signature_of_the_specifications_own_library_is_accepted():
    webhook = webhook_of()
    secret = keeping.demand_signature(webhook)
    assert secret not in webhook.secret_sealed
    assert send(webhook, **signed(secret)).status_code == 202
    rotated = signed(secret, key="msg_2")
    rotated["webhook-signature"] = f"v1,{'A' * 44} v1a,xyz {rotated['webhook-signature']}"
    assert send(webhook, **rotated).status_code == 202


def test_what_is_not_signed_with_the_secret_now_is_refused_and_logged():
    webhook = webhook_of()
    secret = keeping.demand_signature(webhook)
    good = signed(secret)
    wrong = [
        {},
        signed(secret, {"another": "body"}),
        signed(secret, age=301),
        signed(secret, age=-900),
        {**good, "webhook-id": "msg_2"},
        {**good, "webhook-timestamp": "soon"},
        {**good, "webhook-timestamp": "9" * 30},
        {**good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,")},
        {**good, "webhook-signature": "v1,ÿ"},
        {**good, "webhook-signature": " , v1 v1, ,,,"},
        signed("whsec_" + "A" * 44),
    ]
    assert [send(webhook, **headers).status_code for headers in wrong] == [401] * len(wrong)
    assert {row.detail["why"] for row in WebhookRequest.objects.all()} == {"signature"}
    assert WebhookRequest.objects.count() == 10, "the log is not flooded"
    keeping.take_unsigned(webhook)
    assert send(webhook).status_code == 202


def test_a_secret_no_key_opens_any_more_is_told_to_both_sides():
    webhook = webhook_of()
    headers = signed(keeping.demand_signature(webhook))
    type(webhook).objects.filter(pk=webhook.pk).update(secret_sealed="sealed with a key that is gone")
    answer = send(webhook, **headers)
    assert answer.status_code == 503 and "Send it again later" in answer.json()["detail"]
    assert "Ask for a new one" in telling.sentence(webhook, WebhookRequest.objects.get())


@pytest.mark.covers("WBH-06")
def test_the_first_request_becomes_the_test_payload_and_later_ones_only_when_asked_for():
    webhook = keeping.create("Shop", "contact")
    send(webhook, {"first": 1})
    send(webhook, {"second": 2})
    webhook.refresh_from_db()
    assert webhook.sample == {"first": 1} and webhook.sampled_at is not None
    mapping.listen(webhook)
    send(webhook, {"third": 3})
    webhook.refresh_from_db()
    assert webhook.sample == {"third": 3}
    assert [one.path for one in webhook.properties.all()] == ["first", "third"]
    assert WebhookRequest.objects.filter(outcome="waiting").count() == 3
