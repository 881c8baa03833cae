"""Workflows fill ads audiences with those who may be shown ads; the other side is told by hashes."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.audiences import checking, sending
from crm.models import Audience, AudienceChange, AudienceMember, Contact, Deal, Subscription, SubscriptionType
from records.associations import associate
from records.clock import database_now
from tests.workflows.building import NOW, enroll, make_workflow, step
from tests.workflows.outside.receiver import receiving
from workflows.definitions import checking as definitions
from workflows.definitions.parsing import parse
from workflows.engine.taking_steps import run_due
from workflows.models import Connection, Delivery, StepExecution
from workflows.outbox import requesting

pytestmark = pytest.mark.django_db
ADD = step("s", "add_to_audience", audience="visitors")
REMOVE = step("s", "remove_from_audience", audience="visitors")


def person(name, **facts):
    facts = {"email": f"{name}@example.com", "marketing_status": "marketing"} | facts
    return Contact.objects.create(first_name=name, **facts)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def run(ids, document=ADD, object_type="contact"):
    made = enroll(make_workflow([document], object_type), ids)
    run_due(NOW)
    lines = {line.enrollment_id: line for line in StepExecution.objects.filter(enrollment__in=made, step="s")}
    return [lines[one.pk].detail.get("reason", lines[one.pk].outcome) for one in made]


def queued():
    return list(AudienceChange.objects.order_by("id").values_list("kind", "email"))


@pytest.fixture
def visitors(db):
    return Audience.objects.create(name="Visitors", slug="visitors")


@pytest.fixture
def receiver(settings, visitors):
    with receiving() as found:
        settings.WEBHOOK_ALLOWED_HOSTS = [found.place]
        visitors.connection = Connection.objects.create(name="Ads", slug="ads", origin=found.url)
        visitors.save()
        yield found


def send(now):
    """What the clock and the worker that sends would do; how many requests left."""
    sending.work(now)
    return requesting.send_due(lambda: now)


@pytest.mark.covers("MKT-01")
def test_contacts_become_members_once_known_by_their_hashes(visitors):
    ann = person("ann", email="Ann@Example.com", mobile="+46 70 123 45 67")
    assert run([ann.pk]) == ["success"] and run([ann.pk]) == ["in_audience"]
    member = AudienceMember.objects.get()
    assert (member.email, member.phone) == (sha("ann@example.com"), sha("+46701234567"))
    assert member.phone_digits == sha("46701234567")
    assert queued() == [("add", sha("ann@example.com"))]


@pytest.mark.covers("MKT-01")
def test_a_new_audience_is_made_when_the_first_contact_comes_and_found_afterwards():
    to_new = step("s", "add_to_audience", new="Spring  visitors")
    assert run([person("ann").pk], to_new) == ["success"] and run([person("bo").pk], to_new) == ["success"]
    audience = Audience.objects.get()
    assert (audience.name, audience.slug, audience.members.count()) == ("Spring visitors", "spring_visitors", 2)


@pytest.mark.covers("MKT-01", "MKT-02")
def test_only_audiences_made_here_can_be_chosen(visitors):
    def problems(slug, **params):
        steps = [step("s", slug, **params)]
        document = {"format": 1, "name": "W", "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
        return {one.path: str(one.message) for one in definitions.problems(parse(document))}

    place = "steps.0.params.audience"
    for slug in ("add_to_audience", "remove_from_audience"):
        assert problems(slug, audience="visitors") == {}
        assert "made here" in problems(slug, audience="6023481")[place]
        assert place in problems(slug)
    assert "one of the two" in problems("add_to_audience", audience="visitors", new="Other")[place]
    assert "steps.0.params.new" in problems("remove_from_audience", audience="visitors", new="Other")


@pytest.mark.covers("MKT-01")
def test_who_may_not_be_shown_ads_is_left_out_with_the_reason(visitors):
    news = SubscriptionType.objects.create(slug="news", name="News")
    plain, declined = person("ann", marketing_status="non_marketing"), person("bo", cookie_consent="declined")
    nowhere = person("cy", email=None, phone="070 123")
    reasons = ["audience_not_marketing", "audience_cookies_declined", "audience_no_address"]
    assert run([plain.pk, declined.pk, nowhere.pk]) == reasons
    Audience.objects.update(type=news)
    dee = person("dee")
    assert run([dee.pk]) == ["audience_not_subscribed"]
    Subscription.objects.create(contact=dee, type=news, status="subscribed", changed_at=NOW)
    assert run([dee.pk]) == ["success"]


@pytest.mark.covers("MKT-02")
def test_contacts_are_removed_and_who_was_not_in_it_is_told(visitors):
    ann, bo = person("ann"), person("bo")
    run([ann.pk])
    assert run([ann.pk, bo.pk], REMOVE) == ["success", "not_in_audience"]
    assert not AudienceMember.objects.exists()
    assert queued() == [("add", sha("ann@example.com")), ("remove", sha("ann@example.com"))]


@pytest.mark.covers("MKT-01", "ACG-05")
def test_contacts_of_a_deal_are_added_in_as_many_statements_however_many(visitors):
    of_deals = step("s", "add_to_audience", of="contact", audience="visitors")

    def statements(count):
        contacts = [person(f"{count}-{i}").pk for i in range(count)]
        deals = [Deal.objects.create(name=str(i)).pk for i in range(count)]
        associate("deal", "contact", list(zip(deals, contacts, strict=True)))
        with CaptureQueriesContext(connection) as captured:
            assert set(run(deals, of_deals, "deal")) == {"success"}
        return len(captured)

    statements(1)
    assert statements(60) == statements(2)


@pytest.mark.covers("MKT-01", "MKT-02")
def test_the_other_side_is_told_in_batches_one_after_the_other(visitors, receiver, monkeypatch):
    monkeypatch.setattr(sending, "MOST", 3)
    people = [person(name) for name in ("ann", "bo", "cy", "dee")]
    run([one.pk for one in people])
    run([people[0].pk], REMOVE)
    assert send(NOW) == 0, "changes are gathered for a minute"
    later = NOW + dt.timedelta(minutes=2)
    assert sending.waiting_since(later) == NOW
    assert send(later) == 1 and send(later) == 1 and send(later) == 0
    first, second = (one.document for one in receiver.received)
    assert {len(person) for person in first["add"]} == {1}
    assert [one["email"] for one in first["add"]] == [sha(f"{name}@example.com") for name in ("ann", "bo", "cy")]
    assert [one["email"] for one in second["remove"]] == [sha("ann@example.com")]
    assert [one["email"] for one in second["add"]] == [sha("dee@example.com")]
    facts = {"format": "headrace.audience/1", "audience": {"id": visitors.key, "name": "Visitors"}, "hash": "sha256"}
    assert {**first, "add": [], "remove": [], "batch": ""} == {**facts, "add": [], "remove": [], "batch": ""}
    keys = {one.headers["idempotency-key"] for one in receiver.received}
    assert len(keys) == 2 and receiver.received[0].path == "/audiences"
    visitors.refresh_from_db()
    assert visitors.synced_at == later and not AudienceChange.objects.exists()
    assert {one.request["body"] for one in Delivery.objects.all()} == {""}, "who was in it is not kept"


def test_what_the_other_side_does_not_take_is_sent_again_and_given_up_with_its_error(visitors, receiver, admin_client):
    receiver.answer = lambda request, line: (429, {}, b"")
    run([person("ann").pk])
    later = NOW + dt.timedelta(minutes=2)
    assert send(later) == 1
    page = f"/admin/crm/audience/{visitors.pk}/change/"
    shown = admin_client.get(page).content.decode()
    assert "Is sent again" in shown and "answered with 429" in shown
    receiver.answer = lambda request, line: (400, {}, b"")
    assert send(later + dt.timedelta(minutes=1)) == 1
    assert len({one.headers["idempotency-key"] for one in receiver.received}) == 1
    shown = admin_client.get(page).content.decode()
    assert "Given up" in shown and "refused the request with 400" in shown
    assert admin_client.post(f"/admin/crm/audience/{visitors.pk}/again/").status_code == 302
    receiver.answer = lambda request, line: (200, {}, b"")
    last = later + dt.timedelta(minutes=5)
    assert send(last) == 1 and send(last) == 0
    assert [one["email"] for one in receiver.received[-1].document["add"]] == [sha("ann@example.com")]
    assert not AudienceChange.objects.exists()


@pytest.mark.covers("MKT-01")
def test_who_withdraws_or_moves_is_taken_out_or_known_anew(visitors):
    ann, bo, cy, dee = (person(name) for name in ("ann", "bo", "cy", "dee"))
    run([one.pk for one in (ann, bo, cy, dee)])
    AudienceChange.objects.all().delete()
    assert checking.waiting_since(NOW) is None
    Contact.objects.filter(pk=ann.pk).update(cookie_consent="revoked")
    Contact.objects.filter(pk=bo.pk).update(email="new@example.com", updated_at=database_now())
    Contact.objects.filter(pk=cy.pk).delete()
    Audience.objects.update(check_at=database_now())
    assert checking.work(database_now()) == 4
    assert sorted(queued()) == sorted(
        [
            ("remove", sha("ann@example.com")), ("remove", sha("bo@example.com")), ("add", sha("new@example.com")),
            ("remove", sha("cy@example.com")),
        ]
    )  # fmt: skip
    assert set(AudienceMember.objects.values_list("contact_id", flat=True)) == {bo.pk, dee.pk}


def test_an_audience_shows_its_members_and_what_waits_and_is_emptied_before_it_goes(visitors, admin_client):
    people = [person(f"p{i}") for i in range(3)]
    run([one.pk for one in people])
    page = f"/admin/crm/audience/{visitors.pk}/"
    shown = admin_client.get(f"{page}change/").content.decode()
    assert "Not connected" in shown and "p0" in shown and "while these workflows use it" in shown
    listed = admin_client.get("/admin/crm/audience/").content.decode()
    assert "+3 −0" in listed
    assert admin_client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    admin_client.post(f"{page}empty/")
    assert not AudienceMember.objects.exists() and AudienceChange.objects.filter(kind="remove").count() == 3
