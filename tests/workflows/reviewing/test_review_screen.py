"""The review in steps: what each says, what can be put right from there, and how the workflow is called then."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal
from records.clock import database_now
from records.lists import keeping, members
from records.object_types import object_types
from tests.api.conftest import person
from tests.workflows.publishing_deals import BIG, WAIT, boss, document, draft, live, publish
from workflows import drafting
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.editor.change_words import of_settings, of_step, of_trigger, settings_words
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db
TASK = {"id": "task", "action": "create_task", "params": {"title": "Call", "assignee": "owner"}}
TELL = {"id": "tell", "action": "send_notification", "params": {"title": "A big one", "users": ["boss"]}}


@pytest.fixture
def boss_client() -> Client:
    client = Client()
    client.force_login(boss())
    return client


def review_of(workflow: Workflow) -> str:
    return reverse("admin:workflow_review", args=[workflow.pk])


def sections(page: str) -> dict[str, str]:
    """The parts of the page by the step of the review they belong to."""
    found: dict[str, str] = {}
    for part, text in re.findall(r'<section [^>]*data-part="(\w+)"[^>]*>(.*?)</section>', page, re.DOTALL):
        found[part] = found.get(part, "") + text
    return found


@pytest.mark.covers("REV-01", "REV-10", "REV-11", "REV-12", "REV-13", "SET-10", "SET-12")
def test_the_review_goes_through_enrollment_timing_and_connections_and_may_be_cut_short(boss_client: Client) -> None:
    other = live(BIG, steps=[WAIT])
    settings = {"timezone": "Europe/Stockholm", "notify": {"users": ["boss"], "about": ["errors"]}}
    workflow = draft(BIG, steps=[WAIT, TELL], settings=settings)
    to_here = {"id": "on", "action": "go_to_workflow", "params": {"workflow": str(workflow.pk)}}
    publish(workflow)
    drafting.apply(other, {"op": "insert", "at": "steps.1", "step": to_here}, rev=drafting.draft_of(other).rev,
                   user=boss(), now=database_now())  # fmt: skip
    publish(other)
    rev = drafting.draft_of(workflow).rev
    drafting.apply(workflow, {"op": "update", "step": "wait", "params": {"days": 3}}, rev=rev, user=boss(),
                   now=database_now())  # fmt: skip
    assert (
        f'href="{review_of(workflow)}"'
        in boss_client.get(reverse("admin:workflow_editor", args=[workflow.pk])).content.decode()
    )
    page = boss_client.get(review_of(workflow)).content.decode()
    parts = re.findall(r'data-show="(\w+)"><span class="review-number">(\d)</span> ([^<]+)<', page)
    assert parts == [
        ("enrollment", "1", "Enrollment"), ("timing", "2", "Timing and notifications"),
        ("connections", "3", "Connections"), ("inside", "4", "What changes"),
        ("all", "5", "Turn on"),
    ]  # fmt: skip
    editor = reverse("admin:workflow_editor", args=[workflow.pk])
    found = sections(page)
    assert "When Amount is greater than 10" in found["enrollment"] and f'{editor}?step=trigger"' in found["enrollment"]
    assert "Europe/Stockholm" in found["timing"] and f'{editor}?step=_settings"' in found["timing"]
    assert "Notified are boss, about:" in found["timing"]
    assert "Notify boss" in found["connections"] and f'{editor}?step=tell"' in found["connections"]
    assert "The workflow “Test” enrolls records here." in found["connections"]
    assert "Skip to turn on" in page and page.index('data-go="skip"') < page.index('id="publish"')


@pytest.mark.covers("REV-01")
def test_nothing_leads_to_turning_on_what_cannot_be_turned_on_and_the_way_to_each_mistake_stands_there(
    boss_client: Client,
) -> None:
    nobody = {**TELL, "params": {"title": "", "users": ["boss"]}}
    workflow = draft(BIG, steps=[WAIT, nobody, {**TASK, "params": {"title": "", "assignee": "owner"}}])
    page = boss_client.get(review_of(workflow)).content.decode()
    bar = page[page.index('class="review-end') :]
    assert "2 problems to solve first" in page
    assert "Skip to turn on" not in page and 'class="btn btn-primary" data-go="next"' not in bar
    assert re.findall(r'data-show="all"><span class="review-number">\d</span> ([^<]+)<', page) == ["Summary"]
    editor = reverse("admin:workflow_editor", args=[workflow.pk])
    blocked = bar[bar.index('id="blocked"') : bar.index("</p>")]
    assert "It cannot be turned on until this is solved:" in blocked
    links = re.findall(r'href="([^"]+)" title="([^"]+)">([^<]+)</a>', blocked)
    assert [name for _url, _why, name in links] == ["2. Send in-app notification", "3. Create task"]
    assert links[0][0].startswith(f"{editor}?step=tell#") and all(why for _url, why, _name in links)
    assert 'id="publish" disabled aria-describedby="blocked"' in bar

    boss_client.logout()
    boss_client.force_login(person("reader", "workflows.view_workflow", "crm.view_deal", is_staff=True))
    good = boss_client.get(review_of(draft(BIG))).content.decode()
    assert "Skip to turn on" not in good and "Ask somebody with the right to publish workflows." in good


@pytest.mark.covers("REV-14", "CRE-08")
def test_a_workflow_without_name_and_description_is_given_both_and_they_may_be_changed(boss_client: Client) -> None:
    boss_client.post(reverse("admin:workflows_workflow_add"), {"name": "", "object_type": "deal"})
    workflow = Workflow.objects.get()
    revision = drafting.draft_of(workflow)
    assert (workflow.name, revision.definition["name"]) == ("New workflow for deals", "")
    trigger = {"kind": "filter", "criteria": {"any": [{"all": [BIG]}]}}
    revision.definition = {**revision.definition, "trigger": trigger, "steps": [WAIT, TASK, TELL]}
    revision.save()

    page = boss_client.get(review_of(workflow)).content.decode()
    assert 'value="Deals: Create task and Send in-app notification"' in page
    made = "When Amount is greater than 10. 1. Wait 2 days. 2. Create task “Call” for the record’s owner."
    assert made in page, page.split("<textarea")[1][:400]
    assert page.count("as nobody has given it one") == 2
    boss_client.post(review_of(workflow), {"rev": 0, "enroll_existing": "no", "name": "Big deals", "description": " "})
    workflow.refresh_from_db()
    assert (workflow.status, workflow.name) == ("on", "Big deals")
    assert workflow.description.startswith(made) and workflow.live.definition["description"] == workflow.description

    # What was made is made anew when the workflow does something else; what somebody wrote stays.
    rev = drafting.draft_of(workflow).rev
    drafting.apply(workflow, {"op": "update", "step": "wait", "params": {"days": 9}}, rev=rev, user=boss(),
                   now=database_now())  # fmt: skip
    assert "1. Wait 9 days." in boss_client.get(review_of(workflow)).content.decode()
    sent = {"rev": rev + 1, "enroll_existing": "no", "name": "Big deals", "description": "For the team."}
    boss_client.post(review_of(workflow), sent)
    workflow.refresh_from_db()
    assert (workflow.description, workflow.live.definition["description"]) == ("For the team.", "For the team.")


@pytest.mark.covers("REV-05", "REV-06")
def test_yes_and_no_say_exactly_what_publishing_then_does(boss_client: Client) -> None:
    deals = Deal.objects.bulk_create(Deal(name=str(i), amount=50 + i) for i in range(6))
    kept = keeping.create(object_types["deal"], "Customers", now=database_now(), by=boss())
    members.add(kept, [deals[0].pk, deals[1].pk], now=database_now())
    workflow = draft(BIG, suppress=[kept.slug], unenroll={"criteria": {"all": [
        {"property": "amount", "operator": "is_equal_to", "value": 52},
    ]}})  # fmt: skip
    review = publishing.review(workflow, user=boss(), now=database_now())
    assert (review.matching, review.kept_out, review.fresh) == (6, 3, 3)
    page = boss_client.get(review_of(workflow)).content.decode()
    assert "3 records are enrolled at once and start with step 1." in page
    assert "3 are kept out: they are on a suppression list" in page
    assert "3 that match already stay out, unless they stop matching and begin again." in page
    assert "Publish, turn on and enroll 3 records" in page
    assert publish(workflow, existing=True).enrolled == 3
    assert Enrollment.objects.filter(status="active").count() == 3


@pytest.mark.covers("CPL-02")
def test_what_changes_is_told_as_it_was_and_as_it_will_be(boss_client: Client) -> None:
    workflow = live(BIG, steps=[WAIT, TASK], settings={"timezone": "UTC"})
    revision = drafting.draft_of(workflow)
    small = {"property": "amount", "operator": "is_less_than", "value": 3}
    revision.definition = {
        **revision.definition,
        "trigger": {"kind": "filter", "criteria": {"any": [{"all": [small]}]}},
        "goal": {"all": [BIG]},
        "steps": [{**WAIT, "params": {"days": 5}}, {**TASK, "comment": "Ask for the budget."}],
        "settings": {"timezone": "Europe/Stockholm"},
    }
    revision.save()
    before, after = (parse(document) for document in (workflow.live.definition, revision.definition))
    assert of_trigger(before, after).was == ("When Amount is greater than 10",)
    assert of_trigger(before, after).will_be == ("When Amount is less than 3", "Goal: Amount is greater than 10")
    assert (of_step(before, after, "wait").was, of_step(before, after, "wait").will_be) == (
        ("Wait 2 days",), ("Wait 5 days",)
    )  # fmt: skip
    assert of_step(before, after, "task").will_be == ("Note: Ask for the budget.",)
    assert "Europe/Stockholm" in of_settings(before, after).will_be[0]
    found = sections(boss_client.get(review_of(workflow)).content.decode())["inside"]
    assert "<del>Wait 2 days</del>" in found and "<ins>Wait 5 days</ins>" in found
    assert "<del>When Amount is greater than 10</del>" in found and "path-box lit changed" in found


def test_pause_dates_and_data_sources_are_told_by_what_they_are_not_by_how_many():
    def parsed(pauses: list[Any], pick: str) -> Definition:
        source = {"id": "boss", "name": "Boss", "object": "contact", "condition": "association", "pick": pick}
        return parse(document(BIG, settings={"pause_dates": pauses}, sources=[source]))

    found = of_settings(
        parsed(["12-24", {"from": "2026-12-30", "to": "2026-12-31"}], "last_updated"),
        parsed(["12-25", {"from": "2026-12-30", "to": "2026-12-31"}], "first_created"),
    )
    assert found.was == (
        "Pause: December 24",
        "Data source “Boss”: contacts associated with the enrolled deal (Most recently updated)",
    )
    assert found.will_be == (
        "Pause: December 25",
        "Data source “Boss”: contacts associated with the enrolled deal (First created)",
    )
    assert "Pause: Dec. 30, 2026 – Dec. 31, 2026" in settings_words(
        parsed([{"from": "2026-12-30", "to": "2026-12-31"}], "last_updated")
    )


def test_lists_and_dates_are_called_as_people_know_them_and_criteria_nobody_can_read_are_told_of(
    boss_client: Client,
) -> None:
    kept = keeping.create(object_types["deal"], "Good customers", now=database_now(), by=boss())
    workflow = live(BIG, goal={"all": [BIG]})
    revision = drafting.draft_of(workflow)
    revision.definition = {
        **revision.definition,
        "goal": {"all": [{"property": "gone", "operator": "is_known"}]},
        "unenroll": {"criteria": {"all": [{"property": "amount", "operator": "is_odd"}]}},
        "suppress": [kept.slug, "old-list"],
        "centre": {"property": "close_date", "yearly": True},
    }
    revision.save()
    before, after = (parse(document) for document in (workflow.live.definition, revision.definition))
    found, date = of_trigger(before, after), object_types["deal"].properties()["close_date"]
    assert found.was == ("Goal: Amount is greater than 10",)
    assert found.will_be == (
        "Goal: filters that cannot be read; look at them in the editor",
        "Unenrolled: filters that cannot be read; look at them in the editor",
        "Kept out are members of “Good customers” and “old-list”.",
        f"Centred on: {date.label}, every year",
    )
    page = sections(boss_client.get(review_of(workflow)).content.decode())["inside"]
    assert "<ins>Kept out are members of “Good customers” and “old-list”.</ins>" in page


def test_a_name_that_is_too_long_is_refused_and_nothing_is_published(boss_client: Client) -> None:
    workflow = draft(BIG)
    sent = {"rev": 0, "enroll_existing": "no", "name": "x" * 201, "description": ""}
    page = boss_client.post(review_of(workflow), sent).content.decode()
    assert "200 characters at most" in page
    workflow.refresh_from_db()
    assert (workflow.live, workflow.name) == (None, "Test")
