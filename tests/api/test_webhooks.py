"""Webhooks by the API: made, changed, their addresses and secrets, and what they have received."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.models import Contact
from records.models import Scope
from tests.api.conftest import ApiClient, client_of, person
from tests.workflows.webhooks.sending import SHOP, match, send, webhook_of
from workflows.models import Webhook
from workflows.webhooks import keeping

pytestmark = pytest.mark.django_db


def test_a_webhook_is_set_up_by_the_api_alone(api: ApiClient) -> None:
    made = api.send("POST", "webhooks/", {"name": "Shop", "object": "contact"}).document
    place = f"webhooks/{made['id']}/"
    Contact.objects.create(email="ada@example.com")
    address = made["address"].removeprefix("http://testserver")
    assert Client().post(address, SHOP, content_type="application/json").status_code == 202
    assert api.send("GET", place).document["sample"] == SHOP
    changed = api.send(
        "PATCH", place,
        {
            "name": "Orders", "match": {"path": "customer.email", "property": "email"}, "listening": True,
            "properties": [
                {"path": "order.total", "label": "Total", "type": "number"}, {"path": "tags.0", "removed": True},
            ],
        },
    ).document  # fmt: skip
    assert (changed["name"], changed["listening"]) == ("Orders", True)
    assert changed["match"] == {"path": "customer.email", "property": "email"}
    by_path = {one["path"]: one for one in changed["properties"]}
    assert by_path["order.total"]["type"] == "number" and by_path["tags.0"]["removed"]
    assert "address" not in changed and "address" not in str(api.send("GET", "webhooks/").document)
    match()
    send(Webhook.objects.get(), SHOP)
    match()
    found = api.send("GET", f"{place}requests/").document["results"]
    assert [one["outcome"] for one in found] == ["matched", "matched"]
    assert api.send("GET", f"{place}requests/?outcome=unmatched").document["results"] == []
    events = api.send("GET", "event-types/").document["results"]
    assert changed["event"] not in {one["slug"] for one in events}, "nobody sends it as an event"


def test_addresses_and_secrets_are_told_when_they_are_made_only(api: ApiClient) -> None:
    webhook = webhook_of()
    place = f"webhooks/{webhook.pk}/"
    before = keeping.token_of(webhook)
    rotated = api.send("POST", f"{place}rotate/").document["address"]
    assert before not in rotated
    secret = api.send("POST", f"{place}sign/").document["secret"]
    assert secret.startswith("whsec_")
    shown = api.send("GET", place).document
    assert shown["signed"] and secret not in str(shown)
    assert not api.send("PATCH", place, {"signed": False}).document["signed"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"match": {"path": "nowhere", "property": "email"}}, "match_path"),
        ({"match": {"path": "customer.email", "property": "city"}}, "match_property"),
        ({"match": "email"}, "match"),
        ({"properties": [{"path": "order.id", "type": "user"}]}, "properties.0.type"),
        ({"properties": [{"path": "nowhere", "label": "X"}]}, "properties.nowhere"),
        ({"listening": False}, "listening"),
        ({"signed": True}, "signed"),
        ({"name": "  "}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_changes_nothing_and_says_where(api: ApiClient, document: dict, path: str) -> None:
    webhook = webhook_of()
    answer = api.send("PATCH", f"webhooks/{webhook.pk}/", document)
    assert answer.status_code == 400
    assert answer.document["errors"][0]["path"] == path
    assert Webhook.objects.get().name == webhook.name


def test_requests_are_shown_to_who_may_see_their_records() -> None:
    webhook = webhook_of()
    place = f"webhooks/{webhook.pk}/requests/"
    nobody = client_of(person("one", "workflows.view_webhook"), Scope.HISTORY_READ.value)
    seer = client_of(person("two", "workflows.view_webhook", "crm.view_contact"), Scope.HISTORY_READ.value)
    assert (nobody.send("GET", place).status_code, seer.send("GET", place).status_code) == (403, 200)


def test_no_more_than_there_may_be(api: ApiClient, settings: Any) -> None:
    settings.WEBHOOK_LIMIT = 0
    answer = api.send("POST", "webhooks/", {"name": "Shop", "object": "contact"})
    assert answer.status_code == 400 and "no more may be made" in str(answer.document)
