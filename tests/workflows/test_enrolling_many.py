"""Thousands enrolled by hand: in the background, each once, with progress and an account of who was refused."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal
from records.clock import database_now
from records.problems import DocumentError
from tests.api.conftest import SCOPES, client_of
from tests.workflows.publishing_deals import BIG, boss, history, inside, live
from workflows import chores, enrolling_many, switching
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
