"""What shows a wrong trigger before it does harm: who narrowly does not match, and events machines cause, too."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal
from records import criteria
from records.clock import database_now
from records.object_types import object_types
from tests.workflows.publishing_deals import BIG, WAIT, boss, draft
from workflows import drafting
from workflows.lifecycle import previewing
from workflows.models import Workflow
from workflows.reviewing.nearly import nearly

pytestmark = pytest.mark.django_db
NAMED = {"property": "name", "operator": "is_known"}
NO_OWNER = {"property": "owner", "operator": "is_unknown"}
BY_PEOPLE = [{"property": "by_machine", "operator": "is_false"}]
OPENED = {"event": "email_opened", "operator": "has_occurred"}


def review_page(workflow: Workflow) -> str:
    client = Client()
    client.force_login(boss())
    return " ".join(client.get(reverse("admin:workflow_review", args=[workflow.pk])).content.decode().split())


@pytest.mark.covers("CPL-04")
def test_the_review_names_who_narrowly_does_not_match_and_the_filter_that_keeps_them_out() -> None:
    Deal.objects.create(name="In", amount=50)
    Deal.objects.create(name="Close", amount=9)
    Deal.objects.create(name="Blank")
    Deal.objects.create(name="Far", amount=1, owner=boss())
    page = review_page(draft(BIG, NAMED, NO_OWNER))
    told = page.split("Who narrowly does not match")[1].split("</ul>")[0]
    assert "Close</a>: Not met: Amount is greater than 10 (now: 9" in told
    assert "Blank</a>: Not met: Amount is greater than 10 (there is no value)." in told
    assert "Far" not in told and ">In<" not in told
    assert "Who narrowly does not match" not in review_page(draft(BIG)), "of one filter everybody else fails it"


def test_the_newest_who_lack_one_filter_are_found_in_as_many_statements_however_many_there_are(
    django_assert_max_num_queries: Any,
) -> None:
    Deal.objects.bulk_create(Deal(name=f"Deal {number}", amount=1) for number in range(150))
    either = {"any": [{"all": [BIG, NAMED]}, {"all": [NO_OWNER, BIG]}]}
    compiled = criteria.compile(either, object_types["deal"], now=database_now())
    assert nearly(compiled) == [], "each way in lacks its own filter: two are missing"
    compiled = criteria.compile({"all": [BIG, NAMED]}, object_types["deal"], now=database_now())
    with django_assert_max_num_queries(10):
        found = nearly(compiled)
    assert [one.name for one in found] == [f"Deal {number}" for number in (149, 148, 147, 146, 145)]


def contacts(trigger: dict[str, Any], **parts: Any) -> Workflow:
    document = {"format": 1, "object": "contact", "trigger": trigger, "steps": [WAIT], **parts}
    return drafting.create("Test", "contact", boss(), definition=document)


@pytest.mark.covers("CPL-20")
@pytest.mark.parametrize(
    ("trigger", "parts", "paths"),
    [
        ({"kind": "event", "events": [{"event": "email_opened"}]}, {}, ["trigger.events.0"]),
        ({"kind": "event", "events": [{"event": "email_opened", "where": BY_PEOPLE}]}, {}, []),
        ({"kind": "event", "events": [{"event": "email_clicked"}]}, {}, []),
        ({"kind": "filter", "criteria": {"all": [OPENED]}}, {}, ["trigger.criteria"]),
        ({"kind": "filter", "criteria": {"all": [OPENED | {"where": BY_PEOPLE}]}}, {}, []),
        ({"kind": "manual"}, {"goal": {"all": [{"marketing_email": "*", "operator": "was_opened"}]}}, ["goal"]),
        ({"kind": "manual"}, {"goal": {"all": [{"marketing_email": "*", "operator": "was_clicked"}]}}, []),
    ],
)
def test_who_lets_an_opened_email_begin_or_end_a_workflow_is_told_that_machines_open_them_too(
    trigger: dict[str, Any], parts: dict[str, Any], paths: list[str]
) -> None:
    review = previewing.review(contacts(trigger, **parts), user=boss(), now=database_now())
    found = [problem for problem in review.problems if problem.code == "doubtful"]
    assert [problem.path for problem in found] == paths
    for problem in found:
        assert problem.severity == "warning"
        assert "“Opened by a machine” is false" in problem.message
        assert "a click or a reply says more" in problem.message
    assert review.ready
