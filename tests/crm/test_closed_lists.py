"""Active lists that look at what a person may not see are not there for them: who is in one tells the value."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Contact, Deal, User
from records.associations import associate
from records.clock import database_now
from records.lists import keeping, members
from records.models import Access, RecordList
from records.object_types import object_types
from tests.api.conftest import client_of
from tests.workflows.publishing_deals import boss
from tests.workflows.restricted import BIG, MANUAL, RENAME, member
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Workflow
from workflows.rights.opening import access_to

pytestmark = pytest.mark.django_db
DEAL, CONTACT = object_types["deal"], object_types["contact"]
LISTS = tuple(f"records.{verb}_recordlist" for verb in ("view", "add", "change", "delete"))
IN_BIG = {"all": [{"list": "big", "operator": "is_member"}]}


def person(name: str, level: Access | None, slug: str = "amount") -> User:
    return member(name, level, *LISTS, "crm.view_contact", slug=slug)


def lists() -> dict[str, RecordList]:
    """Lists that look at amounts: directly, by way of another one, of people; and some that do not."""
    now = database_now()
    deal, ann = Deal.objects.create(name="Big one", amount=50), Contact.objects.create(email="ann@example.com")
    associate("deal", "contact", [(deal.pk, ann.pk)])
    of_deals = {"all": [{"association": "deal", **BIG}]}
    found = {
        "big": keeping.create(DEAL, "Big", now=now, criteria=BIG),
        "by way": keeping.create(DEAL, "By way", now=now, criteria=IN_BIG),
        "people": keeping.create(CONTACT, "People", now=now, criteria=of_deals),
        "open": keeping.create(
            DEAL, "Open", now=now, criteria={"all": [{"property": "name", "operator": "is_known"}]}
        ),
        "static": keeping.create(DEAL, "Static", now=now),
    }
    members.add(found["static"], [deal.pk], now=now)
    return found


def admin(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.covers("PRM-09")
@pytest.mark.parametrize("level", [Access.NONE, Access.VIEW, None])
def test_lists_and_their_members_are_there_only_for_who_may_see_what_they_look_at(level: Access | None) -> None:
    made, una = lists(), person("una", level)
    closed = {"big", "by way", "people"} if level == Access.NONE else set()
    page, api = admin(una), client_of(una)
    html = page.get(reverse("admin:records_recordlist_changelist")).content.decode()
    told = {one["name"] for one in api.send("GET", "lists/").document["results"]}
    for name, one in made.items():
        there = name not in closed
        assert (f">{one.name}</a>" in html, one.name in told) == (there, there), name
        answers = [page.get(reverse("admin:records_recordlist_change", args=[one.pk])).status_code]
        answers += [api.send("GET", path).status_code for path in (f"lists/{one.pk}/", f"lists/{one.pk}/members/")]
        assert answers == [200 if there else 404] * 3, name


@pytest.mark.covers("PRM-09")
def test_a_list_that_is_closed_is_not_changed_copied_converted_or_deleted() -> None:
    big, una = lists()["big"], person("una", Access.NONE)
    page, api = admin(una), client_of(una)
    for name in ("clone", "convert"):
        assert page.post(reverse(f"admin:records_recordlist_{name}", args=[big.pk])).status_code == 404
    assert page.post(reverse("admin:records_recordlist_delete", args=[big.pk])).status_code == 404
    assert api.send("PATCH", f"lists/{big.pk}/", {"name": "Mine"}).status_code == 404
    assert api.send("DELETE", f"lists/{big.pk}/").status_code == 404
    assert RecordList.objects.get(pk=big.pk).name == "Big" and RecordList.objects.count() == 5


@pytest.mark.covers("PRM-09")
def test_no_criteria_ask_by_a_closed_list_what_a_record_is() -> None:
    lists()
    una, vic = person("una", Access.NONE), person("vic", Access.VIEW)
    asked = '{"all":[{"list":"by-way","operator":"is_member"}]}'
    refused = client_of(una).send("GET", f"deals/?filter={asked}")
    assert refused.status_code == 403 and "membership in the list By way" in refused.document["detail"]
    assert len(client_of(vic).send("GET", f"deals/?filter={asked}").document["results"]) == 1
    body: dict[str, Any] = {"object": "deal", "name": "Mine", "criteria": IN_BIG}
    assert client_of(una).send("POST", "lists/", body).status_code == 403
    assert client_of(vic).send("POST", "lists/", body).status_code == 201


@pytest.mark.covers("PRM-09")
@pytest.mark.parametrize("slug", ["number_of_contacts", "amount"])
def test_lists_by_what_is_counted_are_closed_by_the_count(slug: str) -> None:
    counts = {"all": [{"property": "number_of_contacts", "operator": "is_greater_than", "value": 0}]}
    found = keeping.create(DEAL, "Counts", now=database_now(), criteria=counts)
    una = person("una", Access.NONE, slug)
    code = client_of(una).send("GET", f"lists/{found.pk}/").status_code
    assert code == (404 if slug == "number_of_contacts" else 200)


def published_with(parts: dict[str, Any]) -> Workflow:
    document = {"format": 1, "object": "deal", "name": "W", "trigger": MANUAL, "steps": [RENAME], **parts}
    workflow = drafting.create("W", "deal", boss(), document)
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


@pytest.mark.covers("PRM-09")
@pytest.mark.parametrize(
    "parts",
    [
        {"trigger": {"kind": "filter", "criteria": IN_BIG}},
        {"suppress": ["big"]},
        {
            "trigger": {
                "kind": "event",
                "events": [
                    {
                        "event": "list_joined",
                        "where": [{"property": "list", "operator": "is_equal_to_any_of", "value": ["big"]}],
                    }
                ],
            }
        },
    ],
    ids=["filter", "suppression", "event"],
)
def test_a_published_workflow_that_looks_at_a_closed_list_is_closed_too(parts: dict[str, Any]) -> None:
    lists()
    una, vic = person("una", Access.NONE), person("vic", Access.VIEW)
    workflow = published_with(parts)
    assert (access_to(workflow, una), access_to(workflow, vic)) == (Access.NONE, Access.EDIT)


@pytest.mark.covers("PRM-09")
def test_lists_by_a_workflow_that_is_closed_are_closed_too() -> None:
    lists()
    workflow = published_with({"trigger": {"kind": "filter", "criteria": BIG}})
    inside = {"all": [{"workflow": str(workflow.pk), "operator": "is_enrolled"}]}
    found = keeping.create(DEAL, "Inside", now=database_now(), criteria=inside)
    una, vic = client_of(person("una", Access.NONE)), client_of(person("vic", Access.VIEW))
    asked = 'deals/?filter={"all":[{"list":"inside","operator":"is_member"}]}'
    for path, code in ((f"lists/{found.pk}/", 404), (f"lists/{found.pk}/members/", 404), (asked, 403)):
        assert (una.send("GET", path).status_code, vic.send("GET", path).status_code) == (code, 200), path
    told = {one["name"] for one in una.send("GET", "lists/").document["results"]}
    assert told == {"Open", "Static"}


def test_a_list_that_no_longer_looks_at_it_is_there_again() -> None:
    big, una = lists()["big"], person("una", Access.NONE)
    keeping.change(big, now=database_now(), criteria={"all": [{"property": "name", "operator": "is_known"}]})
    assert client_of(una).send("GET", f"lists/{big.pk}/").status_code == 200


def test_many_lists_are_asked_about_by_one_statement() -> None:
    def statements() -> int:
        una = User.objects.get(username="una")
        api = client_of(una)
        with CaptureQueriesContext(connection) as told:
            api.send("GET", "lists/?kind=static")
        return len(told)

    person("una", Access.NONE)
    before = statements()
    for number in range(20):
        keeping.create(DEAL, f"Big {number}", now=database_now(), criteria=BIG)
    assert statements() == before
