"""Requests that were received become events of the records they are about, or of none."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Contact
from records import criteria
from records.clock import database_now
from records.models import CustomEventType, Event, PropertyDefinition
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.publishing_deals import boss
from tests.workflows.webhooks.sending import SHOP, match, webhook_of
from workflows import drafting
from workflows.enrollment.enrolling import enroll
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Webhook, WebhookRequest, Workflow
from workflows.processes.ticking import tick
from workflows.webhooks import keeping, mapping, matching, receiving, retaining, telling

pytestmark = pytest.mark.django_db
WAIT = {"id": "wait", "action": "delay", "params": {"days": 1}}


def received(webhook: Webhook, *payloads: Any) -> list[WebhookRequest]:
    for payload in payloads:
        receiving.receive(webhook, payload, None, database_now())
    return list(WebhookRequest.objects.order_by("-pk")[: len(payloads)])[::-1]


def about(webhook: Webhook, payload: Any) -> WebhookRequest:
    """One request, dealt with."""
    request = received(webhook, payload)[0]
    match()
    request.refresh_from_db()
    return request


def triggered(webhook: Webhook, steps: Any = (WAIT,), **item: Any) -> Workflow:
    document = {
        "format": 1, "name": "By webhook", "object": "contact", "steps": list(steps),
        "trigger": {"kind": "event", "events": [{"event": webhook.slug, **item}], "reenroll": True},
    }  # fmt: skip
    workflow = drafting.create("By webhook", "contact", boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def told(request: WebhookRequest, name: str = "") -> str:
    return telling.sentence(request.webhook, request, name)


@pytest.mark.covers("EVT-40", "WBH-01", "WBH-11", "WBH-13", "TRG-01")
def test_a_request_about_a_contact_enrolls_it():
    webhook = webhook_of()
    ada = Contact.objects.create(email="ada@example.com")
    Contact.objects.create(email="ben@example.com")
    workflow = triggered(webhook)
    request = received(webhook, SHOP)[0]
    tick(database_now())
    request.refresh_from_db()
    enrollment = Enrollment.objects.get()
    assert (enrollment.workflow_id, enrollment.record_id) == (workflow.pk, ada.pk)
    event = Event.objects.get()
    assert (event.event, event.record_id, event.pk) == (webhook.slug, ada.pk, request.event_id)
    assert event.properties == {
        "order_id": 17, "order_total": "49.90", "order_paid": True, "tags_0": "new",
        "customer_email": "Ada@Example.com",
    }  # fmt: skip
    assert enrollment.cause["event_id"] == event.pk
    assert told(request, "Ada") == "It matched the contact “Ada”."


@pytest.mark.covers("WBH-02")
def test_a_request_about_nobody_is_logged_and_neither_creates_nor_enrolls():
    """Trap 13."""
    webhook = webhook_of()
    triggered(webhook)
    before = Contact.objects.count()
    request = received(webhook, SHOP)[0]
    tick(database_now())
    request.refresh_from_db()
    assert request.outcome == "unmatched"
    assert told(request) == (
        "No record matched: there is no contact with the email “ada@example.com”. Nothing was enrolled."
    )
    assert (Contact.objects.count(), Event.objects.count(), Enrollment.objects.count()) == (before, 0, 0)


@pytest.mark.parametrize(
    ("payload", "outcome", "said"),
    [
        ({}, "unusable", "the payload has no value at “customer.email”"),
        ({"customer": {"email": " "}}, "unusable", "the payload has no value at “customer.email”"),
        ({"customer": {"email": None}}, "unusable", "the payload has no value at “customer.email”"),
        ({"customer": {"email": "nobody"}}, "unmatched", "no contact with the email “nobody”"),
        ({"customer": {"email": ["ada@example.com"]}}, "unmatched", "no contact with the email “['ada@example.com']”"),
        ([1, 2], "unusable", "the payload has no value"),
    ],
)
def test_a_payload_that_names_no_record_is_told_of(payload, outcome, said):
    Contact.objects.create(email="ada@example.com")
    request = about(webhook_of(), payload)
    assert request.outcome == outcome
    assert said in told(request)


def test_a_webhook_that_matches_by_nothing_does_nothing():
    webhook = keeping.create("Shop", "contact")
    Contact.objects.create(email="ada@example.com")
    request = about(webhook, SHOP)
    assert request.outcome == "unfinished"
    assert not Event.objects.exists()


def test_a_deleted_record_is_none():
    webhook = webhook_of()
    ada = Contact.objects.create(email="ada@example.com")
    Contact.objects.filter(pk=ada.pk).update(deleted_at=database_now())
    assert about(webhook, SHOP).outcome == "unmatched"


@pytest.mark.covers("WBH-09")
def test_a_value_that_does_not_fit_its_type_is_logged_and_blank():
    webhook = webhook_of()
    Contact.objects.create(email="ada@example.com")
    mapping.change(
        webhook, {"order.total": {"type": "number"}, "order.id": {"type": "date"}, "tags.0": {"type": "boolean"}}
    )
    request = about(
        webhook, SHOP | {"order": {"id": 1_700_000_000, "total": "a lot", "paid": {"yes": 1}}, "tags": ["no"]}
    )
    assert Event.objects.get().properties == {
        "order_id": "2023-11-14", "customer_email": "Ada@Example.com", "tags_0": False,
    }  # fmt: skip
    assert "“a lot” is no Order total of the type “Number”, so it was left blank." in told(request)
    assert "Order paid" in told(request)


@pytest.mark.parametrize(
    ("value", "type", "stored"),
    [
        (True, "text", "true"), (12, "text", "12"), (" x ", "text", "x"), ("", "text", None), (None, "number", None),
        ("1,234.5", "number", 1234.5), (True, "number", ValueError), ("yes", "boolean", True), (0, "boolean", False),
        (1_700_000_000, "datetime", "2023-11-14T22:13:20+00:00"), (1_700_000_000_000, "date", "2023-11-14"),
        ("2026-11-22T23:30:00-05:00", "date", "2026-11-22"), ("2026-11-22", "datetime", "2026-11-22T00:00:00+00:00"),
        (10**30, "datetime", ValueError), (True, "datetime", ValueError), ([], "text", ValueError),
        ("9" * 5_000, "number", ValueError), ("x" * 70_000, "text", ValueError), ("soon", "date", ValueError),
    ],
)  # fmt: skip
def test_values_are_read_by_their_type(value, type, stored):
    if stored is ValueError:
        with pytest.raises(ValueError, match=r"\.$"):
            mapping.read(value, type)
        return
    found = mapping.read(value, type)
    prop = mapping.Property("x", "X", type)
    assert (None if found is None else prop.kind.to_storage(found)) == stored


def test_hundreds_of_requests_cost_as_many_statements_as_one():
    webhook = webhook_of()
    Contact.objects.bulk_create(Contact(email=f"c{n}@example.com") for n in range(300))
    payloads = [{"customer": {"email": f"c{n}@example.com"}, "order": {"id": n}} for n in range(300)]

    def cost(*sent: Any) -> int:
        received(webhook, *sent)
        with CaptureQueriesContext(connection) as asked:
            matching.match(database_now())
        return len(asked)

    assert cost(payloads[0]) == cost(*payloads)
    assert Event.objects.count() == 301
    ids = list(Event.objects.order_by("pk").values_list("properties__order_id", flat=True))
    assert ids == [0, *range(300)], "in the order they came"


def test_a_request_that_cannot_be_dealt_with_fails_alone(monkeypatch):
    webhook = webhook_of()
    Contact.objects.create(email="ada@example.com")
    original = matching.values_of

    def stumbles(properties, payload):
        if payload.get("bad"):
            raise RuntimeError("unforeseen")
        return original(properties, payload)

    monkeypatch.setattr(matching, "values_of", stumbles)
    requests = received(webhook, SHOP, SHOP | {"bad": 1}, SHOP)
    match()
    assert [WebhookRequest.objects.get(pk=one.pk).outcome for one in requests] == ["matched", "failed", "matched"]
    assert Event.objects.count() == 2


@pytest.mark.covers("WBH-13")
def test_the_event_can_be_filtered_by_its_properties():
    webhook = webhook_of()
    mapping.change(webhook, {"order.total": {"type": "number"}})
    large = {"property": "order_total", "operator": "is_greater_than", "value": 100}
    workflow = triggered(webhook, where=[large])
    ada, ben = (Contact.objects.create(email=f"{name}@example.com") for name in ("ada", "ben"))
    received(webhook, SHOP, SHOP | {"customer": {"email": "ben@example.com"}, "order": {"total": 500}})
    tick(database_now())
    assert list(Enrollment.objects.filter(workflow=workflow).values_list("record_id", flat=True)) == [ben.pk]
    assert ada.pk != ben.pk


def test_a_webhook_that_is_not_finished_triggers_nothing_that_can_be_published():
    webhook = keeping.create("Shop", "contact")
    with pytest.raises(DocumentError) as refused:
        triggered(webhook)
    assert "does not know which record a request is about" in str(refused.value.problems[0].message)


@pytest.mark.covers("WBH-12")
def test_a_property_with_unique_values_is_made_on_the_spot():
    webhook = webhook_of()
    made = keeping.create_naming_property(webhook, "Shop number", "number")
    keeping.match_by(webhook, "order.id", made.slug)
    ada = Contact.objects.create(email="x@example.com", custom={"shop_number": 17})
    assert about(webhook, SHOP).record_id == ada.pk
    for label, type in (("Shop number", "text"), ("", "text"), ("Other", "boolean"), ("Email", "text")):
        with pytest.raises(DocumentError):
            keeping.create_naming_property(webhook, label, type)
    assert PropertyDefinition.objects.count() == 1
    with pytest.raises(DocumentError):
        keeping.match_by(webhook, "order.id", "city")


@pytest.mark.covers("WBH-04", "LIM-05", "WBH-03")
def test_ten_webhooks_can_be_made_and_the_setting_says_how_many(settings):
    made = [keeping.create(f"Webhook {number}", "contact") for number in range(10)]
    with pytest.raises(DocumentError, match="10 webhooks"):
        keeping.create("One more", "deal")
    settings.WEBHOOK_LIMIT = 11
    more = keeping.create("Webhook 1", "deal")
    assert more.slug == "webhook_webhook_1_2" and len({one.token_digest for one in made}) == 10
    with pytest.raises(DocumentError):
        keeping.create("X", "elephant")


def test_no_custom_event_takes_a_webhooks_name():
    webhook = webhook_of()
    clash = CustomEventType(slug=webhook.slug, label="Mine", object_type="contact")
    with pytest.raises(Exception, match="already is an event"):
        clash.full_clean()
    CustomEventType.objects.create(slug="webhook_later", label="Mine", object_type="contact")
    assert keeping.create("Later", "contact").slug == "webhook_later_2"


@pytest.mark.covers("WBH-08", "WBH-10", "WBH-07")
def test_labels_and_removals_outlive_the_next_test_payload():
    webhook = webhook_of()
    mapping.change(webhook, {"order.id": {"label": "Order number"}, "tags.0": {"removed": True}})
    mapping.listen(webhook)
    mapping.capture(webhook, SHOP | {"note": "x", "a.b": 1, "tags": ["new", "old"]}, database_now())
    found = {one.path: (one.slug, one.label, one.removed) for one in webhook.properties.all()}
    assert found["order.id"] == ("order_id", "Order number", False)
    assert found["tags.0"] == ("tags_0", "Tags 1", True)
    assert found["note"] == ("note", "Note", False)
    assert found["a\\.b"] == ("a_b", "A.b", False)
    kind = keeping.named(webhook.slug)
    assert kind is not None and "tags_0" not in kind.known_properties() and "tags_1" in kind.known_properties()


def test_what_a_workflow_may_ask_for_stays_while_it_is_used():
    webhook = webhook_of()
    triggered(webhook)
    for change in ({"type": "number"}, {"removed": True}):
        with pytest.raises(DocumentError, match="while workflows or lists use"):
            mapping.change(webhook, {"order.total": change})
    with pytest.raises(DocumentError, match="used by"):
        keeping.delete(webhook)
    mapping.change(webhook, {"order.total": {"label": "Total"}})


@pytest.mark.parametrize(
    ("path", "change"),
    [("nowhere", {}), ("order.id", {"label": " "}), ("order.id", {"type": "user"}), ("order.id", {"removed": "no"}),
     ("customer.email", {"removed": True})],
)  # fmt: skip
def test_a_change_that_makes_no_sense_changes_nothing(path, change):
    webhook = webhook_of()
    with pytest.raises(DocumentError):
        mapping.change(webhook, {"order.total": {"label": "Total"}, path: change})
    assert webhook.properties.get(path="order.total").label == "Order total"


def test_deep_and_wide_payloads_are_bounded():
    deep: Any = "x"
    for _level in range(50):
        deep = {"in": deep}
    webhook = keeping.create("Deep", "contact")
    mapping.capture(webhook, {"deep": deep, "wide": list(range(1_000))}, database_now())
    assert webhook.properties.count() == 200
    assert all(one.path.startswith("wide.") for one in webhook.properties.all())


def test_old_requests_are_forgotten_but_not_those_that_wait(settings):
    settings.WEBHOOK_LOG_DAYS = 7
    webhook = webhook_of()
    now = database_now()
    received(webhook, SHOP, SHOP)
    match()
    received(webhook, SHOP)
    WebhookRequest.objects.update(received_at=now - dt.timedelta(days=8))
    fresh = about(webhook, SHOP)
    WebhookRequest.objects.filter(pk=WebhookRequest.objects.order_by("-pk")[1].pk).update(outcome="waiting")
    assert retaining.waiting_since(now) is not None
    assert retaining.forget(now) == 2
    assert retaining.forget(now) == 0
    assert WebhookRequest.objects.filter(pk=fresh.pk).exists() and WebhookRequest.objects.count() == 2


@pytest.mark.covers("EVT-40")
def test_a_record_waits_for_a_webhook():
    webhook = webhook_of()
    ada, ben = (Contact.objects.create(email=f"{name}@example.com").pk for name in ("ada", "ben"))
    paid = [{"property": "order_paid", "operator": "is_true"}]
    wait = {
        "id": "wait", "action": "delay_until_event",
        "params": {"event": webhook.slug, "where": paid, "max_wait": {"days": 3}},
    }  # fmt: skip
    document = {
        "format": 1, "name": "Waiting", "object": "contact", "trigger": {"kind": "manual"},
        "steps": [wait, {"id": "task", "action": "create_task", "params": {"title": "Paid"}}],
    }  # fmt: skip
    workflow = drafting.create("Waiting", "contact", boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    enroll(workflow, [ada, ben], cause={"kind": "manual"}, now=database_now())
    tick(database_now())
    received(webhook, SHOP, {"customer": {"email": "ben@example.com"}, "order": {"paid": False}})
    tick(database_now())
    status = dict(Enrollment.objects.values_list("record_id", "status"))
    assert status == {ada: "completed", ben: "active"}


@pytest.mark.covers("EVT-40")
def test_records_are_filtered_by_what_a_webhook_has_told():
    webhook = webhook_of()
    ada = Contact.objects.create(email="ada@example.com")
    Contact.objects.create(email="ben@example.com")
    about(webhook, SHOP)
    filters = {"all": [{"event": webhook.slug, "operator": "has_occurred"}]}
    found = criteria.compile(filters, object_types["contact"], now=database_now())
    assert list(found.records()) == [ada]


@pytest.mark.parametrize("beyond", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_beyond_the_calendar_is_blank_and_the_rest_arrives(beyond):
    webhook = webhook_of(sample={"customer": {"email": "ada@example.com"}, "at": "2026-11-22T08:30:00Z"})
    contact = Contact.objects.create(email="ada@example.com")
    payload = {"customer": {"email": "ada@example.com"}, "at": beyond}
    receiving.receive(webhook, payload, None, database_now())
    match()
    request = WebhookRequest.objects.get()
    assert (request.outcome, request.record_id) == ("matched", contact.pk)
    assert request.detail["blank"] == [{"label": "At", "value": beyond, "type": "datetime"}]
