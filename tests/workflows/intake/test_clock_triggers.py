"""Workflows enroll whom time makes meet their trigger, and the review lists who meets it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Company, Deal
from records.associations import associate
from records.clock import database_now
from records.lists import members, working
from records.models import RecordList
from tests.api.conftest import person
from tests.workflows.publishing_deals import BIG, boss, document, inside, live
from tests.workflows.publishing_deals import draft as drafted
from workflows import drafting
from workflows.intake.dispatching import dispatch

pytestmark = pytest.mark.django_db

OLD = {"property": "close_date", "operator": "is_more_than_days_ago", "value": 30}


@pytest.mark.covers("TRG-21", "TRG-20")
def test_a_relative_date_that_becomes_true_by_the_clock_enrolls_exactly_who_has_crossed_it() -> None:
    today = database_now().date()
    deals = Deal.objects.bulk_create(Deal(name="x", close_date=today - dt.timedelta(days=i % 90)) for i in range(900))
    workflow = live(OLD)
    while dispatch(database_now()):
        pass
    assert inside(workflow) == []
    tomorrow = database_now() + dt.timedelta(days=1)
    dispatch(tomorrow)
    assert inside(workflow) == [deal.pk for i, deal in enumerate(deals) if i % 90 == 30]
    assert dispatch(tomorrow) == 0


@pytest.mark.covers("REV-04")
def test_the_review_puts_all_matching_records_into_a_list() -> None:
    client = Client()
    client.force_login(boss())
    deals = Deal.objects.bulk_create([Deal(name="a", amount=50), Deal(name="b", amount=5), Deal(name="c", amount=70)])
    workflow = drafted(BIG)
    place = reverse("admin:workflow_review", args=[workflow.pk])
    assert "See all in a list" in client.get(place).content.decode()
    client.post(place, {"see_all": "1"})
    found = RecordList.objects.get()
    working.work(database_now())
    assert found.name.startswith("Matching “Test”")
    assert set(members.members_of(found).values_list("record_id", flat=True)) == {deals[0].pk, deals[2].pk}
    workflow.refresh_from_db()
    assert workflow.status == "off"


def test_only_what_a_filter_matches_now_and_one_may_see_is_put_into_a_list() -> None:
    client = Client()
    client.force_login(boss())
    company = Company.objects.create(name="Acme")
    deal = Deal.objects.create(name="a", amount=50)
    associate("deal", "company", [(deal.pk, company.pk)])
    workflow = drafted({"association": "company", "all": [{"property": "name", "operator": "is_known"}]})
    place = reverse("admin:workflow_review", args=[workflow.pk])
    rights = ("workflows.view_workflow", "workflows.change_workflow", "records.add_recordlist", "crm.view_deal")
    client.force_login(person("sue", *rights, is_staff=True))
    assert client.post(place, {"see_all": "1"}).status_code == 403

    client.force_login(boss())
    trigger = {"kind": "event", "events": [{"event": "record_created"}]}
    by_event = drafting.create("Test", "deal", boss(), definition=document(BIG) | {"trigger": trigger})
    place = reverse("admin:workflow_review", args=[by_event.pk])
    told = client.post(place, {"see_all": "1"}, follow=True).content.decode()
    assert "No record matches now, so there is nothing to list." in told
    assert not RecordList.objects.exists()


@pytest.mark.covers("SCH-22")
@pytest.mark.parametrize(("criteria", "listed"), [({"all": [BIG]}, ["a"]), ({"all": []}, ["a", "b"])])
def test_the_review_of_a_schedule_puts_who_would_be_enrolled_now_into_a_list(criteria: Any, listed: list[str]) -> None:
    Deal.objects.bulk_create([Deal(name="a", amount=50), Deal(name="b", amount=5)])
    trigger = {"kind": "schedule", "schedule": {"every": "day", "at": "09:00"}, "criteria": criteria}
    workflow = drafting.create("Test", "deal", boss(), definition=document(BIG) | {"trigger": trigger})
    client = Client()
    client.force_login(boss())
    place = reverse("admin:workflow_review", args=[workflow.pk])
    assert "See all in a list" in client.get(place).content.decode()
    client.post(place, {"see_all": "1"})
    working.work(database_now())
    found = members.members_of(RecordList.objects.get()).values_list("record_id", flat=True)
    assert list(Deal.objects.filter(pk__in=found).order_by("name").values_list("name", flat=True)) == listed
