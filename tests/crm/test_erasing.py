"""The trash: deleted records are erased some time after, with all that belongs to them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Company, Contact, Deal, Subscription, SubscriptionChange, SubscriptionType
from crm.subscribing import Source, Wish, set_status
from records.associations import associate
from records.clock import database_now
from records.happening import happen
from records.lists import keeping, members
from records.models import Association, Change, Event, Membership, PendingChange
from records.object_types import object_types
from records.saving import delete_records, erasing, restore_records
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import Delivery, Enrollment, StepExecution
from workflows.processes.rounds import Rounds

pytestmark = pytest.mark.django_db
CONTACT = object_types["contact"]


def deleted(days: float, *records: Any, kind: str = "contact") -> None:
    """Delete records so many days ago."""
    delete_records(object_types[kind], [one.pk for one in records])
    then = database_now() - dt.timedelta(days=days)
    object_types[kind].model._default_manager.filter(pk__in=[one.pk for one in records]).update(deleted_at=then)


@pytest.mark.covers("LIM-09", "CRM-19")
def test_a_deleted_contact_can_be_restored_for_ninety_days_and_is_erased_then():
    now = database_now()
    fresh, old = Contact.objects.create(email="fresh@example.com"), Contact.objects.create(email="old@example.com")
    living = Contact.objects.create(email="living@example.com")
    deleted(89.9, fresh)
    deleted(90.1, old)
    assert erasing.erase(now) == 1 and erasing.erase(now) == 0
    assert set(Contact.objects.values_list("email", flat=True)) == {"fresh@example.com", "living@example.com"}
    assert restore_records(CONTACT, [fresh.pk, old.pk]) == 1
    assert set(CONTACT.records()) == {fresh, living}


@pytest.mark.covers("LIM-09")
def test_what_belongs_to_a_contact_goes_with_it_and_nothing_of_the_others(boss):
    now = database_now()
    ann, bob = Contact.objects.create(email="ann@example.com"), Contact.objects.create(email="bob@example.com")
    firm = Company.objects.create(name="Firm")
    news = SubscriptionType.objects.create(slug="news", name="News", needs_legal_basis=False)
    some = keeping.create(CONTACT, "Some", now=now)
    workflow = make_workflow(
        [step("mail", "send_internal_email", to=["boss"], subject="Hi", body="{{ contact.email }}")]
    )
    for one in (ann, bob):
        associate("contact", "company", [(one.pk, firm.pk)])
        members.add(some, [one.pk], now=now)
        set_status([one.pk], Wish(news, Subscription.Status.SUBSCRIBED), source=Source.ADMIN, by=boss, now=now)
        happen("page_viewed", "contact", [one.pk], now=now, properties={"url": "https://example.com"})
    enroll(workflow, [ann.pk, bob.pk], now)
    Enrollment.objects.update(outputs={"mail": {"to": "x"}})
    run_due(now)
    deleted(91, ann)
    PendingChange.objects.all().delete()
    assert erasing.erase(now) == 1
    assert [one.email for one in Contact.objects.all()] == ["bob@example.com"]
    about = {"object_type": "contact", "record_id": ann.pk}
    assert not Change.objects.filter(**about).exists() and not Event.objects.filter(**about).exists()
    assert not Membership.objects.filter(record_id=ann.pk).exists()
    assert not SubscriptionChange.objects.filter(contact_id=ann.pk).exists()
    assert not Subscription.objects.filter(contact_id=ann.pk).exists()
    hers = Enrollment.objects.get(record_id=ann.pk)
    assert hers.outputs == {} and not StepExecution.objects.filter(enrollment=hers).exists()
    assert not Delivery.objects.filter(enrollment_id=hers.pk).exists()
    # Of the other one all of it is there, and nothing was told of as a change.
    his = {"object_type": "contact", "record_id": bob.pk}
    assert Change.objects.filter(**his).exists() and Event.objects.filter(**his).exists()
    assert Membership.objects.filter(segment=some.segment_id).count() == 1
    assert (
        Association.objects.filter(to_type="company").count()
        == Association.objects.filter(to_type="contact").count()
        == 1
    )
    assert Subscription.objects.count() == 1 and Enrollment.objects.get(record_id=bob.pk).outputs != {}
    assert not PendingChange.objects.exists() and not Change.objects.filter(kind="dissociated").exists()


def test_the_trash_is_emptied_in_portions_each_with_as_many_statements(monkeypatch):
    monkeypatch.setattr(erasing, "PORTION", 20)

    def statements(count: int) -> int:
        made = Deal.objects.bulk_create(Deal(name=f"D{i}", stage="won") for i in range(count))
        deleted(100, *made, kind="deal")
        with CaptureQueriesContext(connection) as told:
            assert erasing.erase(database_now()) == min(count, 20)
        while erasing.erase(database_now()):
            pass
        return len(told)

    statements(2)
    assert statements(20) == statements(2) == statements(50)
    assert not Deal.objects.exists()


def test_clocks_empty_the_trash_and_so_does_the_command(capsys):
    deleted(100, Deal.objects.create(name="A"), kind="deal")
    rounds, now = Rounds(), database_now()
    rounds.make(now)
    for _time in range(50):
        rounds.make(now + dt.timedelta(seconds=1))
        if not rounds.pruning:
            break
    assert not Deal.objects.exists()
    deleted(100, Deal.objects.create(name="B"), kind="deal")
    call_command("prune_history")
    assert not Deal.objects.exists()


@pytest.mark.covers("LIM-09")
def test_the_trash_and_the_page_say_when_a_record_is_erased(admin_page: Client, settings):
    settings.KEEP_DELETED_DAYS = 30
    deal = Deal.objects.create(name="Big one")
    then = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    Deal.objects.filter(pk=deal.pk).update(deleted_at=then)
    trash = admin_page.get(reverse("admin:crm_deal_changelist") + "?deleted=yes").content.decode()
    assert "Erased on" in trash and "March 31, 2026" in trash
    page = admin_page.get(reverse("admin:crm_deal_change", args=[deal.pk])).content.decode()
    assert "It is erased for good on March 31, 2026" in page
    living = admin_page.get(reverse("admin:crm_deal_changelist")).content.decode()
    assert "Erased on" not in living


def test_what_something_else_holds_on_to_stays_alone(caplog):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE holds (deal_id bigint REFERENCES crm_deal (id))")
    made = [Deal.objects.create(name=name) for name in "ABC"]
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO holds VALUES (%s)", [made[1].pk])
        # As it is checked at the end of the statement, not of the test's transaction.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    deleted(100, *made, kind="deal")
    try:
        assert erasing.erase(database_now()) == 2 and erasing.erase(database_now()) == 0
        assert [one.name for one in Deal.objects.all()] == ["B"]
        assert f"The deleted deal {made[1].pk} cannot be erased" in caplog.text
    finally:
        erasing.held.clear()
