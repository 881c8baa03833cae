"""Visitors, and what becomes of what they did once it is known who they are."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import RequestFactory

from crm.models import Contact, Hit, Visitor
from crm.tracking.recording import record_hits
from crm.tracking.visitors import identify, visitor_of
from records import criteria
from records.clock import database_now
from records.models import Event
from records.object_types import object_types
from tests.workflows.intake.test_event_triggers import on
from workflows.models import Enrollment
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db
KEY = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32


def hit(visitor: str = KEY, at: dt.datetime | None = None, kind: str = "page_viewed", **facts: object) -> Hit:
    at = at or database_now()
    return Hit.objects.create(visitor=visitor, kind=kind, facts=facts, occurred_at=at, received_at=at)


def view(url: str = "https://example.com/pricing", **more: object) -> Hit:
    return hit(url=url, **more)


def viewers(**refine: object) -> list[int]:
    document = {"all": [{"event": "page_viewed", "operator": "has_occurred", **refine}]}
    compiled = criteria.compile(document, object_types["contact"], now=database_now())
    return list(compiled.records().values_list("pk", flat=True))


@pytest.mark.covers("TRG-33")
def test_what_a_visitor_did_before_being_known_counts_in_filters_and_triggers_nothing():
    contact = Contact.objects.create(email="ann@example.com")
    workflow = on({"event": "page_viewed"})
    view()
    record_hits(database_now())
    assert not Event.objects.exists()
    identify(KEY, contact.pk, database_now())
    tick(database_now())
    assert viewers() == [contact.pk]
    assert not Enrollment.objects.filter(workflow=workflow).exists()
    view()
    tick(database_now())
    assert Enrollment.objects.get(workflow=workflow).record_id == contact.pk
    assert not Hit.objects.exists()


def test_a_visitor_becomes_another_contact_and_the_first_keeps_what_it_did():
    ann, ben = (Contact.objects.create(email=f"{name}@example.com") for name in ("ann", "ben"))
    identify(KEY, ann.pk, database_now())
    view()
    record_hits(database_now())
    identify(KEY, ben.pk, database_now(), only_unknown=True)
    assert Visitor.objects.get().contact == ann
    identify(KEY, ben.pk, database_now())
    view()
    record_hits(database_now())
    assert list(Event.objects.order_by("id").values_list("record_id", flat=True)) == [ann.pk, ben.pk]


def test_the_key_comes_from_the_form_the_address_or_the_cookie_and_nothing_else_is_one():
    requests = RequestFactory()
    request = requests.get("/")
    request.COOKIES["headrace_visitor"] = KEY
    assert visitor_of(request) == KEY
    assert visitor_of(requests.get("/", {"headrace_visitor": OTHER})) == OTHER
    assert visitor_of(requests.post("/", {"headrace_visitor": OTHER})) == OTHER
    assert visitor_of(requests.get("/", {"headrace_visitor": "' OR 1=1 --"})) is None
    assert visitor_of(requests.get("/")) is None
    private = requests.get("/", {"headrace_visitor": OTHER}, headers={"Sec-GPC": "1"})
    assert visitor_of(private) is None
    with pytest.raises(ValueError, match="32 hexadecimal"):
        identify("nobody", 1, database_now())


@pytest.mark.covers("FLT-36", "FLT-37", "FLT-38")
def test_where_a_contact_came_from_is_kept_in_its_properties():
    contact = Contact.objects.create(email="ann@example.com")
    first = "https://example.com/?utm_source=news&utm_campaign=spring&gclid=G1"
    view(first, source="news", campaign="spring")
    record_hits(database_now())
    identify(KEY, contact.pk, database_now())
    view("https://example.com/?utm_source=ad&fbclid=F1&li_fat_id=L1&msclkid=M1", source="ad")
    view("https://example.com/later")
    record_hits(database_now())
    contact.refresh_from_db()
    assert (contact.first_source, contact.first_campaign) == ("news", "spring")
    assert (contact.last_source, contact.last_campaign) == ("ad", "")
    assert (contact.google_click_id, contact.facebook_click_id) == ("G1", "F1")
    assert (contact.linkedin_click_id, contact.microsoft_click_id) == ("L1", "M1")
    criteria.compile(
        {"all": [{"property": "google_click_id", "operator": "is_known"}]}, object_types["contact"], now=database_now()
    ).records().get(pk=contact.pk)


@pytest.mark.covers("FLT-22")
def test_the_answer_to_the_cookie_banner_is_a_property_and_a_refusal_forgets_what_was_kept():
    contact = Contact.objects.create(email="ann@example.com")
    view()
    record_hits(database_now())
    hit(kind="cookie_consent_given", consent="revoked")
    record_hits(database_now())
    assert not Hit.objects.exists()
    assert Visitor.objects.get().consent == "revoked"
    identify(KEY, contact.pk, database_now())
    hit(kind="cookie_consent_given", consent="accepted")
    record_hits(database_now())
    contact.refresh_from_db()
    assert contact.cookie_consent == "accepted"
    document = {"all": [{"property": "cookie_consent", "operator": "is_any_of", "value": ["accepted"]}]}
    assert criteria.compile(document, object_types["contact"], now=database_now()).records().get() == contact


def test_a_hit_the_database_refuses_is_left_out_alone(caplog):
    contact = Contact.objects.create(email="ann@example.com")
    identify(KEY, contact.pk, database_now())
    for number in range(5):
        view(f"https://example.com/{number}", source="x" * (500 if number == 4 else 5))
    record_hits(database_now())
    assert not Hit.objects.exists() and Event.objects.count() == 4
    assert "left out" in caplog.text


def test_what_nobody_claims_is_forgotten_after_a_while(settings):
    settings.TRACKING_ANONYMOUS_DAYS = 30
    view(at=database_now() - dt.timedelta(days=31))
    view()
    record_hits(database_now())
    record_hits(database_now())
    assert Hit.objects.count() == 1
    Hit.objects.update(received_at=database_now() - dt.timedelta(days=31))
    Visitor.objects.update(seen_at=database_now() - dt.timedelta(days=31))
    record_hits(database_now())
    assert not Hit.objects.exists() and not Visitor.objects.exists()
