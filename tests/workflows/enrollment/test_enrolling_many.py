"""Thousands enrolled by hand: in the background, each once, with progress and an account of who was refused."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from django.urls import reverse

from crm.models import Deal
from records.clock import database_now
from records.problems import DocumentError
from tests.api.conftest import SCOPES, client_of, person
from tests.slow_statements import ends_as_after
from tests.workflows.publishing_deals import BIG, boss, history, inside, live
from workflows import chores
from workflows.enrollment import enrolling_many
from workflows.lifecycle import switching
from workflows.models import AuditEntry, MassEnrollment

pytestmark = pytest.mark.django_db

EVERYONE = {"all": [{"property": "name", "operator": "is_known"}]}
NAMED_Z = {"property": "name", "operator": "is_equal_to_any_of", "value": ["Z"]}


@pytest.fixture
def deals() -> list[Deal]:
    return Deal.objects.bulk_create([Deal(name="Z" if i < 3 else "A", amount=1) for i in range(1_100)])


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(boss())
    return client


def work_off() -> None:
    while chores.work(database_now()):
        pass


@pytest.mark.covers("MAN-01")
def test_records_chosen_by_criteria_on_the_workflows_page_are_enrolled_in_the_background(deals, client):
    workflow = live(BIG, goal={"all": [NAMED_Z]})
    page = reverse("admin:workflow_enroll", args=[workflow.pk])
    assert "Records to enroll" in client.get(page).content.decode()
    answer = client.post(page, {"criteria": json.dumps(EVERYONE)})
    mass = MassEnrollment.objects.get()
    assert answer.url == reverse("admin:workflow_mass", args=[mass.pk])
    assert "0 of 1,100 records" in client.get(answer.url).content.decode()
    assert inside(workflow) == []

    enrolling_many.portion(database_now())
    assert "500 of 1,100 records" in client.get(f"{answer.url}?part=1").content.decode()
    work_off()
    mass.refresh_from_db()
    assert (mass.status, mass.asked, mass.enrolled, mass.refused) == ("done", 1_100, 1_097, {"goal_already_met": 3})
    assert len(inside(workflow)) == 1_097
    assert history(workflow, deals[0]) == [("refused", "goal_already_met")]
    told = client.get(answer.url).content.decode()
    assert "had met the goal" in told and "hx-get" not in told.split('id="mass"')[1].split(">")[0]
    entry = AuditEntry.objects.get(action="enrolled_by_hand")
    assert entry.detail == {"enrolled": 1_097, "refused": 3}


@pytest.mark.covers("MAN-01")
def test_a_large_selection_in_a_list_of_records_is_enrolled_in_the_background_a_small_one_at_once(deals, client):
    workflow = live(BIG)
    url = reverse("admin:crm_deal_enroll")
    few, many = deals[:3], deals[3:]
    client.post(url, {"records": ",".join(str(deal.pk) for deal in few), "workflow": str(workflow.pk)})
    assert len(inside(workflow)) == 3 and not MassEnrollment.objects.exists()
    answer = client.post(url, {"records": ",".join(str(deal.pk) for deal in many), "workflow": str(workflow.pk)})
    assert answer.url == reverse("admin:workflow_mass", args=[MassEnrollment.objects.get().pk])
    work_off()
    assert len(inside(workflow)) == 1_100


def test_a_workflow_that_is_turned_off_meanwhile_takes_in_no_more_and_says_why(deals):
    workflow = live(BIG)
    mass = enrolling_many.begin(workflow, by=boss(), now=database_now(), document=EVERYONE)
    enrolling_many.portion(database_now())
    switching.turn_off(workflow, by=boss(), now=database_now())
    work_off()
    mass.refresh_from_db()
    assert (mass.status, mass.message) == ("stopped", "The workflow was turned off.")
    with pytest.raises(DocumentError, match="Turn it on first"):
        enrolling_many.begin(workflow, by=boss(), now=database_now(), document=EVERYONE)


def test_relative_dates_are_counted_in_the_workflows_time_zone(client):
    now = dt.datetime(2027, 1, 10, 12, tzinfo=dt.UTC)
    eleventh = Deal.objects.create(name="Z", close_date=dt.date(2027, 1, 11))
    Deal.objects.create(name="Z", close_date=dt.date(2027, 1, 10))
    today = {"all": [{"property": "close_date", "operator": "is_in_calendar_period", "value": "today"}]}
    workflow = live(BIG, settings={"timezone": "Pacific/Kiritimati"})
    mass = enrolling_many.begin(workflow, by=boss(), now=now, document=today)
    assert mass.total == 1
    while enrolling_many.portion(now) is not None:
        pass
    assert inside(workflow) == [eleventh.pk]
    assert "Pacific/Kiritimati" in client.get(reverse("admin:workflow_enroll", args=[workflow.pk])).content.decode()


def test_work_that_raises_an_error_stops_and_lets_the_next_one_go_on(deals, caplog):
    poisonous, well = live(BIG), live(BIG)
    first, second = (
        enrolling_many.begin(workflow, by=boss(), now=database_now(), record_ids=[deal.pk for deal in deals[:5]])
        for workflow in (poisonous, well)
    )
    assert enrolling_many.waiting_since(database_now()) == first.created_at

    def failing(execute, sql, params, many, context):
        if sql.startswith('UPDATE "workflows_massenrollment"') and '"asked"' in sql and params[-1] == first.pk:
            raise IntegrityError("poison")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(failing):
        work_off()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.enrolled, second.status, second.enrolled) == ("stopped", 0, "done", 5)
    assert "IntegrityError" in first.message
    assert "by hand" in caplog.text
    assert inside(poisonous) == []


def test_work_whose_criteria_take_too_long_stops_and_lets_the_next_one_go_on(deals):
    first, second = (
        enrolling_many.begin(live(BIG), by=boss(), now=database_now(), document={"all": [NAMED_Z]}) for _each in "ab"
    )
    turns = []

    def slow(execute, sql, params, many, context):
        if 'FROM "crm_deal"' in sql and not turns:
            turns.append(sql)
            return execute(f"SELECT {ends_as_after(50)}", None, False, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(slow):
        work_off()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.enrolled, second.status, second.enrolled) == ("stopped", 0, "done", 3)
    assert "took too long" in first.message


def test_a_lost_connection_stops_no_work(deals):
    mass = enrolling_many.begin(live(BIG), by=boss(), now=database_now(), record_ids=[deals[0].pk])

    def lost(execute, sql, params, many, context):
        if sql.startswith('UPDATE "workflows_massenrollment"'):
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lost), pytest.raises(OperationalError):
        enrolling_many.portion(database_now())
    mass.refresh_from_db()
    assert mass.status == "waiting"


@pytest.mark.covers("MAN-05")
def test_the_api_enrolls_by_criteria_and_tells_how_far_it_is(deals):
    workflow, api = live(BIG), client_of(boss(), *SCOPES)
    path = f"workflows/{workflow.pk}/enroll-matching/"
    answer = api.send("POST", path, {"criteria": EVERYONE})
    assert (answer.status_code, answer.document["total"]) == (202, 1_100)
    work_off()
    (found,) = api.send("GET", path).document
    assert (found["status"], found["enrolled"], found["refused"]) == ("done", 1_100, [])
    bad = api.send("POST", path, {"criteria": {"all": [{"property": "x"}]}})
    assert (bad.status_code, bad.document["errors"][0]["path"]) == (400, "criteria.all.0.property")


RICH = {"all": [{"association": "company", "all": [{"property": "name", "operator": "is_known"}]}]}


def test_criteria_look_only_at_what_the_person_may_see(client):
    workflow = live(BIG)
    rights = ("workflows.publish_workflow", "workflows.view_workflow", "crm.view_deal")
    user = person("sue", *rights, is_staff=True)
    client.force_login(user)
    told = client.post(reverse("admin:workflow_enroll", args=[workflow.pk]), {"criteria": json.dumps(RICH)})
    assert "records of the type “company”, which you may not see" in told.content.decode()
    answer = client_of(user, *SCOPES).send("POST", f"workflows/{workflow.pk}/enroll-matching/", {"criteria": RICH})
    assert (answer.status_code, "“company”" in answer.document["detail"]) == (403, True)
    assert not MassEnrollment.objects.exists()


def test_who_may_not_see_the_records_neither_enrolls_nor_takes_out_any(deals, client):
    workflow = live(BIG)
    work = enrolling_many.begin(workflow, by=boss(), now=database_now(), record_ids=[deals[0].pk])
    work_off()
    user = person("sue", "workflows.publish_workflow", "workflows.view_workflow", is_staff=True)
    client.force_login(user)
    page = reverse("admin:workflow_enroll", args=[workflow.pk])
    assert client.get(page).status_code == 403
    assert client.post(page, {"criteria": json.dumps(EVERYONE)}).status_code == 403
    assert client.get(reverse("admin:workflow_mass", args=[work.pk])).status_code == 403
    api, records = client_of(user, *SCOPES), {"records": [deals[0].pk]}
    assert api.send("POST", f"workflows/{workflow.pk}/unenroll/", records).status_code == 403
    assert inside(workflow) == [deals[0].pk]
