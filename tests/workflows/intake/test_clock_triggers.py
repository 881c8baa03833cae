"""Workflows enroll whom time makes meet their trigger, and the review lists who meets it."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from crm.models import Company, Deal
from records import crossings
from records.associations import associate
from records.clock import database_now
from records.lists import keeping, members, working
from records.models import PendingChange, RecordList
from records.object_types import object_types
from tests.api.conftest import person
from tests.workflows.publishing_deals import BIG, boss, document, inside, live
from tests.workflows.publishing_deals import draft as drafted
from workflows import drafting
from workflows.intake.dispatching import dispatch
from workflows.models import Enrollment, Subscription

pytestmark = pytest.mark.django_db
#: Records of the test by the clock and how many dates they have; 100,000 take some minutes.
MANY, DATES = int(os.environ.get("CROSSING_RECORDS", "2000")), 1_000

OLD = {"property": "close_date", "operator": "is_more_than_days_ago", "value": 30}


@pytest.mark.covers("TRG-21", "TRG-20", "FLT-20")
def test_a_relative_date_that_becomes_true_by_the_clock_enrolls_and_lists_exactly_who_has_crossed_it() -> None:
    """And nobody else is looked at: with CROSSING_RECORDS=100000, 100 of 100,000 by an index, for both."""
    today = database_now().date()
    old = [today - dt.timedelta(days=i % DATES) for i in range(MANY)]
    deals = Deal.objects.bulk_create(Deal(name="x", close_date=day) for day in old)
    workflow = live(OLD)
    quiet = keeping.create(object_types["deal"], "Quiet", now=database_now(), criteria={"all": [OLD]})
    trigger = Subscription.objects.get(revision=workflow.live, purpose="trigger").segment
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for segment in (trigger, quiet.segment):
        crossings.index(segment, database_now())
    PendingChange.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_deal")
    before = listed(quiet)
    assert before == {deal.pk for i, deal in enumerate(deals) if i % DATES > 30} and inside(workflow) == []

    tomorrow = database_now() + dt.timedelta(days=1)
    crossed = {deal.pk for i, deal in enumerate(deals) if i % DATES == 30}
    asked: list[dict[str, Any]] = []
    with connection.execute_wrapper(keeping_plans(asked)):
        dispatch(tomorrow)
    assert len(crossed) == MANY // DATES and set(inside(workflow)) == crossed
    assert listed(quiet) - before == crossed and before <= listed(quiet)
    assert len(asked) == 2
    for plan in asked:
        assert "clock_" in str(plan) and "Seq Scan" not in str(plan), plan
        assert plan["Actual Rows"] == 2 * len(crossed), "both ends of the range, and no other record"
    dispatch(tomorrow)
    assert set(inside(workflow)) == crossed and Enrollment.objects.count() == len(crossed)


def listed(found: RecordList) -> set[int]:
    return set(members.members_of(found).values_list("record_id", flat=True))


def keeping_plans(plans: list[dict[str, Any]]) -> Any:
    """Keep how PostgreSQL has found the records a boundary has gone past."""

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and '"close_date" >= ' in sql and '"close_date" <= ' in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                plans.append(cursor.fetchone()[0][0]["Plan"])
        return execute(sql, params, many, context)

    return keep


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
