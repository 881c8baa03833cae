"""Suppression lists: who is in one does not enter, and leaves at once (SUP-01 to SUP-03, MAN-06)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Deal
from records.clock import database_now
from records.lists import keeping, members
from records.models import Event, RecordList
from records.object_types import object_types
from records.problems import DocumentError
from tests.workflows.publishing_deals import BIG, boss, document
from workflows import drafting
from workflows.enrollment.enrolling import REFUSALS, enroll
from workflows.history.explaining import refusals_of
from workflows.history.telling import ending
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db

STEPS = [{"id": "wait", "action": "delay", "params": {"days": 3}}]
SMALL = {"all": [{"property": "stage", "operator": "is_any_of", "value": ["won"]}]}


def published(*slugs: str, existing: bool = False) -> Workflow:
    made = drafting.create("Test", "deal", boss(), definition=document(BIG, suppress=list(slugs), steps=STEPS))
    publishing.publish(made, by=boss(), now=database_now(), enroll_existing=existing)
    return made


def static(*records: Any, name: str = "Left alone") -> RecordList:
    found = keeping.create(object_types["deal"], name, now=database_now())
    members.add(found, [record.pk for record in records], now=database_now())
    return found


def settle() -> None:
    while dispatch(database_now()):
        pass


def story(workflow: Workflow) -> dict[int, tuple[str, str]]:
    found = Enrollment.objects.filter(workflow=workflow).order_by("pk")
    return {one.record_id: (one.status, one.ended_reason) for one in found}


def assert_named(workflow: Workflow, name: str) -> None:
    """The history says which list it was."""
    refused = Enrollment.objects.get(workflow=workflow, status="refused")
    sentence = f"The record was found in the suppression list “{name}” of this workflow."
    assert ending(refused.ended_reason, refused.cause) == sentence
    assert refusals_of(workflow, refused.record_id)[0][1] == sentence


@pytest.mark.covers("SUP-01", "SUP-02", "TRG-29")
def test_who_is_in_a_suppression_list_does_not_enter_by_the_trigger() -> None:
    deals = Deal.objects.bulk_create([Deal(name="a"), Deal(name="b")])
    workflow = published(static(deals[0]).slug)
    Deal.objects.update(amount=10_000)
    settle()
    entered = Enrollment.objects.filter(workflow=workflow, status="active")
    assert list(entered.values_list("record_id", flat=True)) == [deals[1].pk]
    assert_named(workflow, "Left alone")


@pytest.mark.covers("MAN-06")
def test_nor_by_hand_and_the_reason_is_told() -> None:
    deal = Deal.objects.create(name="a")
    workflow = published(static(deal).slug)
    done = enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)
    assert "suppression list" in str(REFUSALS[done.refused[deal.pk]])
    assert story(workflow) == {deal.pk: ("refused", "on_suppression_list")}


@pytest.mark.covers("SUP-02")
def test_existing_records_in_a_suppression_list_are_not_enrolled_by_publishing() -> None:
    deals = Deal.objects.bulk_create([Deal(name="a", amount=10_000), Deal(name="b", amount=10_000)])
    workflow = published(static(deals[0]).slug, existing=True)
    active = Enrollment.objects.filter(workflow=workflow, status="active")
    assert list(active.values_list("record_id", flat=True)) == [deals[1].pk]
    assert_named(workflow, "Left alone")


@pytest.mark.covers("SUP-01", "SUP-02", "SUP-03")
def test_who_joins_a_static_suppression_list_leaves_at_once_and_leaving_it_enrolls_nobody() -> None:
    deals = Deal.objects.bulk_create([Deal(name="a", amount=10_000), Deal(name="b", amount=10_000)])
    found = static()
    workflow = published(found.slug, existing=True)
    members.add(found, [deals[0].pk], now=database_now())
    settle()
    assert story(workflow) == {deals[0].pk: ("unenrolled", "suppressed"), deals[1].pk: ("active", "")}
    members.remove(found, [deals[0].pk], now=database_now())
    settle()
    assert story(workflow)[deals[0].pk] == ("unenrolled", "suppressed")


@pytest.mark.covers("SUP-02")
def test_who_joins_an_active_suppression_list_leaves_at_once() -> None:
    deal = Deal.objects.create(name="a", amount=10_000, stage="new")
    found = keeping.create(object_types["deal"], "Won", now=database_now(), criteria=SMALL)
    workflow = published(found.slug, existing=True)
    Deal.objects.filter(pk=deal.pk).update(stage="won")
    settle()
    assert story(workflow) == {deal.pk: ("unenrolled", "suppressed")}


@pytest.mark.covers("FLT-21")
@pytest.mark.parametrize(
    ("suppress", "path"),
    [(["nothing"], "suppress.0"), (["firms"], "suppress.0"), (["nothing", "firms"], "suppress.0")],
)
def test_what_is_no_list_of_such_records_is_refused(suppress: Any, path: str) -> None:
    keeping.create(object_types["company"], "Firms", now=database_now())
    made = drafting.create("Test", "deal", boss(), definition=document(BIG, suppress=suppress, steps=STEPS))
    with pytest.raises(DocumentError) as refused:
        publishing.publish(made, by=boss(), now=database_now(), enroll_existing=False)
    assert refused.value.problems[0].path == path


def test_a_list_that_a_workflow_names_is_not_deleted() -> None:
    suppressed, filtered, free = static(name="One"), static(name="Two"), static(name="Three")
    published(suppressed.slug)
    drafting.create("Draft", "deal", boss(), definition=document({"list": filtered.slug, "operator": "is_member"}))
    for found, name in ((suppressed, "Test"), (filtered, "Draft")):
        with pytest.raises(DocumentError, match=f"the workflow “{name}”"):
            keeping.delete(found)
    keeping.delete(free)


def test_publishing_without_a_list_keeps_the_list_and_its_members() -> None:
    deal = Deal.objects.create(name="a", amount=10_000)
    found = static(deal)
    workflow = published(found.slug)
    cleared = {"op": "set_settings", "values": {"suppress": []}}
    drafting.apply(workflow, cleared, rev=drafting.draft_of(workflow).rev, user=boss(), now=database_now())
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=True)
    assert set(members.members_of(found).values_list("record_id", flat=True)) == {deal.pk}
    assert story(workflow) == {deal.pk: ("active", "")}


@pytest.mark.covers("SUP-02")
def test_the_panel_of_the_trigger_offers_the_lists() -> None:
    client = Client()
    client.force_login(boss())
    found, other = static(), static(name="Other")
    keeping.create(object_types["company"], "Firms", now=database_now())
    workflow = drafting.create("Test", "deal", boss(), definition=document(BIG, suppress=[found.slug, "gone"]))
    place = f"{reverse('admin:workflow_panel', args=[workflow.pk])}?step=trigger"
    page = client.get(place).content.decode()
    boxes = [part.split(">")[0] for part in page.split("<input")[1:] if 'name="door-suppress"' in part.split(">")[0]]
    assert ["checked" in box for box in boxes] == [True, False, True]
    assert "gone (gone)" in page and "Firms" not in page
    rev = drafting.draft_of(workflow).rev
    facts = {"kind": "filter", "criteria": "", "door": "1", "door-others": "none", "rev": rev, "redraw": "1"}
    client.post(place, {**facts, "door-suppress": [other.slug]})
    assert drafting.draft_of(workflow).definition["suppress"] == [other.slug]


@pytest.mark.covers("FLT-20")
def test_a_workflow_enrolls_who_joins_a_list_and_who_comes_by_lists_of_lists() -> None:
    deal, found = Deal.objects.create(name="a"), static()
    second = keeping.create(
        object_types["deal"], "Second", now=database_now(),
        criteria={"all": [{"list": found.slug, "operator": "is_member"}]},
    )  # fmt: skip
    made = drafting.create(
        "Test", "deal", boss(), definition=document({"list": second.slug, "operator": "is_member"}, steps=STEPS)
    )
    publishing.publish(made, by=boss(), now=database_now(), enroll_existing=True)
    members.add(found, [deal.pk], now=database_now())
    settle()
    assert story(made) == {deal.pk: ("active", "")}


def test_joining_and_leaving_a_list_are_events_where_somebody_listens() -> None:
    deal, found = Deal.objects.create(name="a"), static()
    members.add(found, [deal.pk], now=database_now())
    assert not Event.objects.filter(event="list_joined").exists()
    where = [{"property": "list", "operator": "is_equal_to_any_of", "value": [found.slug]}]
    trigger = {"kind": "event", "events": [{"event": "list_left", "where": where}]}
    made = drafting.create("Test", "deal", boss(), definition=document(BIG, steps=STEPS) | {"trigger": trigger})
    publishing.publish(made, by=boss(), now=database_now(), enroll_existing=False)
    members.remove(found, [deal.pk], now=database_now())
    settle()
    assert story(made) == {deal.pk: ("active", "")}
