"""The pages of webhooks, and who may do what on them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from crm.models import Contact, User
from records.clock import database_now
from records.models import PropertyDefinition
from tests.workflows.publishing_deals import boss
from tests.workflows.webhooks.sending import SHOP, address_of, match, send, webhook_of
from workflows import drafting
from workflows.models import Webhook, WebhookRequest
from workflows.webhooks import keeping, mapping, receiving

pytestmark = pytest.mark.django_db
VIEW = "view_webhook"


def person(*rights: str) -> Client:
    user = User.objects.create(username=f"p{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def page(webhook: Webhook, name: str = "") -> str:
    return reverse(f"admin:webhook_{name}" if name else "admin:workflows_webhook_change", args=[webhook.pk])


def admin() -> Client:
    client = Client()
    client.force_login(boss())
    return client


def token_in(text: str) -> str:
    found = re.search(r"/hooks/([\w-]+)/", text)
    assert found
    return found[1]


@pytest.mark.covers("WBH-03", "WBH-05")
def test_a_webhook_is_made_and_its_address_is_shown_where_it_can_be_copied():
    client = admin()
    made = client.post("/admin/workflows/webhook/add/", {"name": "Shop", "object_type": "contact"})
    webhook = Webhook.objects.get()
    assert made["Location"] == page(webhook)
    text = client.get(page(webhook)).content.decode()
    assert token_in(text) == keeping.token_of(webhook)
    assert "Listening" in text
    before = token_in(text)
    client.post(page(webhook, "rotate"))
    assert token_in(client.get(page(webhook)).content.decode()) != before


def test_no_more_webhooks_than_the_setting_says_and_the_page_says_why(settings):
    settings.WEBHOOK_LIMIT = 1
    client = admin()
    for name in ("One", "Two"):
        answer = client.post("/admin/workflows/webhook/add/", {"name": name, "object_type": "contact"})
    assert "There are 1 webhooks" in answer.content.decode()
    assert Webhook.objects.count() == 1


@pytest.mark.covers("WBH-06", "WBH-07", "WBH-08", "WBH-09", "WBH-10")
def test_the_test_payload_appears_and_is_mapped():
    client, webhook = admin(), keeping.create("Shop", "contact")
    assert client.get(page(webhook, "waiting")).status_code == 204
    send(webhook)
    assert client.get(page(webhook, "waiting"))["HX-Refresh"] == "true"
    text = client.get(page(webhook)).content.decode()
    assert "order.total" in text and "49.90" in text
    rows = {one.path: one for one in webhook.properties.all()}
    sent = {}
    for path, one in rows.items():
        sent |= {f"label-{one.pk}": one.label, f"type-{one.pk}": one.type}
        if path == "tags.0":
            sent[f"removed-{one.pk}"] = "on"
    sent[f"label-{rows['order.total'].pk}"], sent[f"type-{rows['order.total'].pk}"] = "Total", "number"
    client.post(page(webhook, "mapping"), sent)
    found = {one.path: (one.label, one.type, one.removed) for one in webhook.properties.all()}
    assert found["order.total"] == ("Total", "number", False)
    assert found["tags.0"][2] and not found["order.id"][2]
    assert ">does not fit<" not in client.get(page(webhook)).content.decode()
    client.post(page(webhook, "mapping"), sent | {f"type-{rows['order.total'].pk}": "date"})
    assert ">does not fit<" in client.get(page(webhook)).content.decode()


@pytest.mark.covers("WBH-11", "WBH-12")
def test_the_match_is_chosen_and_its_property_made_on_the_spot():
    client, webhook = admin(), keeping.create("Shop", "contact")
    mapping.capture(webhook, SHOP, database_now())
    client.post(page(webhook, "matching"), {"path": "customer.email", "property": "email"})
    webhook.refresh_from_db()
    assert (webhook.match_path, webhook.match_property) == ("customer.email", "email")
    new = {"path": "order.id", "property": "+", "new_type": "number"}
    assert "Give the new property a name" in client.post(page(webhook, "matching"), new).content.decode()
    client.post(page(webhook, "matching"), new | {"new_label": "Order number"})
    webhook.refresh_from_db()
    assert (webhook.match_path, webhook.match_property) == ("order.id", "order_number")
    assert PropertyDefinition.objects.get().unique


def test_a_match_that_is_refused_leaves_no_property_behind():
    client, webhook = admin(), keeping.create("Shop", "contact")
    mapping.capture(webhook, SHOP, database_now())
    Contact.objects.create(email="a@example.com")
    new = {"path": "order.id", "property": "+", "new_type": "text", "new_label": "Email"}
    assert "already have a property" in client.post(page(webhook, "matching"), new).content.decode()
    assert not PropertyDefinition.objects.exists()
    limited = person(VIEW, "change_webhook")
    assert "a new property" not in limited.get(page(webhook)).content.decode()
    assert limited.post(page(webhook, "matching"), new).status_code == 200
    assert not PropertyDefinition.objects.exists()


def test_a_secret_is_shown_once_and_never_again():
    client, webhook = admin(), webhook_of()
    answer = client.post(page(webhook, "sign"))
    secret = re.search(r"whsec_[\w+/=]+", answer.content.decode())
    assert secret and answer["Cache-Control"].startswith("no-store")
    assert "whsec_" not in client.get(page(webhook)).content.decode()
    assert send(webhook).status_code == 401
    client.post(page(webhook, "unsign"))
    assert send(webhook).status_code == 202


def test_the_log_tells_what_became_of_each_request_a_page_at_a_time():
    client, webhook = admin(), webhook_of()
    Contact.objects.create(email="ada@example.com", first_name="Ada", last_name="L")
    for number in range(60):
        receiving.receive(webhook, SHOP | {"note": f"<b>{number}</b>"}, None, database_now())
    receiving.receive(webhook, {"customer": {"email": "nobody@example.com"}}, None, database_now())
    match()
    latest = client.get(page(webhook, "latest")).content.decode()
    assert "no contact with the email “nobody@example.com”" in latest
    assert latest.count("<tr>") == 11
    assert "Ada L" in latest and "&lt;b&gt;59" in latest and "<b>5" not in latest
    first, second = (client.get(f"{page(webhook, 'requests')}?page={number}").content.decode() for number in (1, 2))
    assert (first.count("<details"), second.count('id="request-')) != (0, 0)
    assert second.count('id="request-') == 11


def test_names_of_records_are_for_who_may_see_them():
    webhook = webhook_of()
    contact = Contact.objects.create(email="ada@example.com", first_name="Ada")
    receiving.receive(webhook, SHOP, None, database_now())
    match()
    for name in ("latest", "requests"):
        hidden = person(VIEW).get(page(webhook, name)).content.decode()
        assert f"/contact/{contact.pk}/" not in hidden
        assert "ada@example.com" not in hidden, "nor is what was sent about them"
    assert f"/contact/{contact.pk}/" in person(VIEW, "view_contact").get(page(webhook, "latest")).content.decode()


@pytest.mark.covers("WBH-13")
def test_a_webhook_becomes_the_trigger_of_the_workflow_one_came_from():
    client, webhook = admin(), webhook_of()
    document = {"format": 1, "trigger": {"kind": "event", "events": [{"event": "page_viewed"}]}, "steps": []}
    workflow = drafting.create("Welcome", "contact", boss(), document)
    assert "Use as trigger of “Welcome”" in client.get(f"{page(webhook)}?workflow={workflow.pk}").content.decode()
    answer = client.post(page(webhook, "use"), {"workflow": workflow.pk})
    assert answer["Location"].endswith(f"/{workflow.pk}/?step=trigger") or "step=trigger" in answer["Location"]
    draft = drafting.draft_of(workflow)
    assert [one["event"] for one in draft.definition["trigger"]["events"]] == ["page_viewed", webhook.slug]
    client.post(page(webhook, "use"), {"workflow": workflow.pk})
    assert len(drafting.draft_of(workflow).definition["trigger"]["events"]) == 2
    deals = drafting.create("Deals", "deal", boss())
    client.post(page(webhook, "use"), {"workflow": deals.pk})
    assert drafting.draft_of(deals).definition.get("trigger", {}).get("kind") != "event"
    client.post(page(webhook, "use"))
    made = drafting.draft_of(type(workflow).objects.latest("pk"))
    assert made.definition["trigger"]["events"] == [{"event": webhook.slug}]


@pytest.mark.covers("WBH-01", "WBH-13")
def test_the_triggers_panel_offers_webhooks_and_the_way_to_a_new_one():
    client, webhook = admin(), webhook_of()
    keeping.create("For deals", "deal")
    workflow = drafting.create("Welcome", "contact", boss())
    panel = f"{reverse('admin:workflow_panel', args=[workflow.pk])}?step=trigger"
    text = client.get(panel).content.decode()
    assert "from a webhook" in text and webhook.name in text and "For deals" not in text
    assert f"/admin/workflows/webhook/add/?workflow={workflow.pk}" in text
    rev = drafting.draft_of(workflow).rev
    sent: dict[str, Any] = {"kind": "manual", "from-webhook": webhook.slug, "rev": rev, "redraw": "1", "door": "1"}
    answer = client.post(panel, sent)
    assert answer.status_code == 200, answer.content
    trigger = drafting.draft_of(workflow).definition["trigger"]
    assert trigger == {"kind": "event", "events": [{"event": webhook.slug}]}
    assert "Shop orders" in json.dumps(answer.json())


@pytest.mark.parametrize(
    ("name", "method", "needed"),
    [
        ("", "get", VIEW), ("latest", "get", VIEW), ("requests", "get", VIEW), ("waiting", "get", VIEW),
        ("", "post", "change_webhook"), ("listen", "post", "change_webhook"), ("rotate", "post", "change_webhook"),
        ("sign", "post", "change_webhook"), ("unsign", "post", "change_webhook"),
        ("mapping", "post", "change_webhook"), ("matching", "post", "change_webhook"), ("use", "post", "add_workflow"),
    ],
)  # fmt: skip
def test_every_page_asks_for_its_right(name, method, needed):
    webhook = webhook_of()
    before = Webhook.objects.values().get()
    everything = {VIEW, "change_webhook", "add_workflow"}
    allowed = person(VIEW, needed)
    assert getattr(allowed, method)(page(webhook, name), {"name": "Other"}).status_code in (200, 204, 302)
    Webhook.objects.filter(pk=webhook.pk).update(**{k: v for k, v in before.items() if k != "id"})
    kept = everything - {needed} if needed != VIEW else set()
    assert getattr(person(*kept), method)(page(webhook, name), {"name": "Other"}).status_code == 403
    assert getattr(Client(), method)(page(webhook, name)).status_code == 302
    assert Webhook.objects.values().get() == before


def test_who_may_only_look_sees_no_address():
    webhook = webhook_of()
    text = person(VIEW).get(page(webhook)).content.decode()
    assert keeping.token_of(webhook) not in text and "Only who may change webhooks" in text
    assert address_of(webhook)[7:-1] == keeping.token_of(webhook)


def test_deleting_asks_first_and_not_while_it_is_used():
    client, webhook = admin(), webhook_of()
    place = reverse("admin:workflows_webhook_delete", args=[webhook.pk])
    receiving.receive(webhook, SHOP, None, database_now())
    assert "Delete it" in client.get(place).content.decode()
    assert person(VIEW, "change_webhook").post(place).status_code == 403
    client.post(place)
    assert not Webhook.objects.exists() and not WebhookRequest.objects.exists()


def test_an_address_that_cannot_be_opened_any_more_is_told(settings):
    client, webhook = admin(), webhook_of()
    settings.HEADRACE_SECRET_KEYS = ["cXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXE="]
    assert "none of HEADRACE_SECRET_KEYS opens it" in client.get(page(webhook)).content.decode()
    client.post(page(webhook, "rotate"))
    assert token_in(client.get(page(webhook)).content.decode())


def test_the_list_says_how_far_each_webhook_is():
    keeping.create("New one", "contact")
    mapping.capture(keeping.create("Tested", "contact"), SHOP, database_now())
    receiving.receive(webhook_of(), SHOP, None, database_now())
    text = admin().get("/admin/workflows/webhook/").content.decode()
    assert all(state in text for state in ("Waits for its test payload", "To be matched", "Ready"))


def test_what_was_sent_as_a_test_is_for_who_may_change_the_webhook(client):
    webhook = webhook_of(sample={"customer": {"email": "secret@example.com"}})
    for name, seen in (("view_webhook", False), ("change_webhook", True)):
        text = person(VIEW, name).get(page(webhook)).content.decode()
        assert ("secret@example.com" in text) is seen
        assert ("Only who may change the webhook sees what was sent." in text) is not seen
        assert "customer.email" in text
