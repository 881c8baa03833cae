"""Who leaves a workflow leaves nothing behind that is sent, asked or run for it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Deal
from records.clock import database_now
from records.lists import keeping, members
from records.merging.performing import merge
from records.models import RecordList
from records.object_types import object_types
from records.saving import delete_records
from tests.api.conftest import client_of
from tests.workflows.enrollment.test_leaving_races import meanwhile
from tests.workflows.publishing_deals import BIG, boss, change, document, live, publish, settle
from workflows import drafting
from workflows.enrollment.enrolling import enroll
from workflows.enrollment.leaving import unenroll
from workflows.lifecycle import cataloguing, switching
from workflows.models import CodeRun, Delivery, Enrollment, Workflow

pytestmark = pytest.mark.django_db
DEAL = object_types["deal"]
ASK = {"id": "ask", "action": "delay", "params": {"days": 2}}
AFTER = {"id": "after", "action": "delay", "params": {"days": 3}}
OPEN = {"property": "stage", "operator": "is_any_of", "value": ["won"]}


def wait_for_answers(workflow: Workflow) -> None:
    """Everybody stands on a step that waits for what it has sent, and for a script; an earlier step has sent, too."""
    now = database_now()
    Enrollment.objects.filter(workflow=workflow).update(step="ask", waiting_in="ask", visit=3, due_at=None)
    for one in Enrollment.objects.filter(workflow=workflow):
        for key in ("ask:3", "ask:3:7", "ask:2", "mail:1"):
            Delivery.objects.create(
                key=f"{one.pk}:{key}", kind="webhook", enrollment_id=one.pk, request={}, due_at=now, created_at=now
            )
        CodeRun.objects.create(
            enrollment=one, workflow_id=workflow.pk, revision_id=one.revision_id, step="ask", visit=3, event={},
            due_at=now, since=now,
        )  # fmt: skip


def waiting(count: int = 2, **parts: Any) -> tuple[Workflow, list[Deal]]:
    deals = Deal.objects.bulk_create(Deal(name=f"D{i}", amount=99, stage="new") for i in range(count))
    workflow = live(BIG, existing=True, **{"steps": [ASK, AFTER], **parts})
    wait_for_answers(workflow)
    return workflow, deals


def left_behind(enrollment: Enrollment) -> set[str]:
    """What may still be sent or run for an enrollment."""
    sent = Delivery.objects.filter(enrollment_id=enrollment.pk, state="pending").values_list("key", flat=True)
    run = CodeRun.objects.filter(enrollment=enrollment)
    return {key.partition(":")[2] for key in sent} | {"code" for _one in run}


def all_left_behind(workflow: Workflow) -> list[set[str]]:
    return [left_behind(one) for one in Enrollment.objects.filter(workflow=workflow).order_by("pk")]


EARLIER = {"ask:2", "mail:1"}
EVERYTHING = EARLIER | {"ask:3", "ask:3:7", "code"}


def by_api(workflow: Workflow, deal: Deal) -> None:
    said = client_of(boss()).send("POST", f"workflows/{workflow.pk}/unenroll/", {"records": [deal.pk]})
    assert said.document == {"unenrolled": 1}


def by_admin(workflow: Workflow, deal: Deal) -> None:
    page = Client()
    page.force_login(boss())
    pk = Enrollment.objects.get(record_id=deal.pk).pk
    asked = page.post(reverse("admin:enrollment_unenroll"), {"enrollment": [pk]})
    assert "what a step has not sent or run yet is taken back" in asked.content.decode()
    page.post(reverse("admin:enrollment_unenroll"), {"enrollment": [pk], "confirmed": "1"})


def by_a_list(workflow: Workflow, deal: Deal) -> None:
    members.add(RecordList.objects.get(slug="left-alone"), [deal.pk], now=database_now())
    settle()


def by_changing(**values: Any) -> Callable[[Workflow, Deal], None]:
    return lambda workflow, deal: change(deal, **values)


def by_deletion(workflow: Workflow, deal: Deal) -> None:
    delete_records(DEAL, [deal.pk])
    settle()


def by_another_workflow(workflow: Workflow, deal: Deal) -> None:
    other = drafting.create(
        "Other", "deal", boss(), document(steps=[AFTER], trigger={"kind": "manual"}, unenroll={"others": "all"})
    )
    publish(other)
    enroll(other, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)


def by_turning_it_on_again(workflow: Workflow, deal: Deal) -> None:
    switching.turn_off(workflow, by=boss(), now=database_now())
    members.add(RecordList.objects.get(slug="left-alone"), [deal.pk], now=database_now())
    settle()
    assert all_left_behind(workflow) == [EVERYTHING, EVERYTHING]
    switching.turn_on(workflow, by=boss(), now=database_now())


def by_merging(workflow: Workflow, deal: Deal) -> None:
    winner = Deal.objects.create(name="Winner", stage="new")
    merge(DEAL, winner.pk, deal.pk, now=database_now())


WAYS: dict[str, tuple[dict[str, Any], Callable[[Workflow, Deal], None]]] = {
    "api": ({}, by_api),
    "admin": ({}, by_admin),
    "suppression": ({"suppress": ["left-alone"]}, by_a_list),
    "turned on again": ({"suppress": ["left-alone"]}, by_turning_it_on_again),
    "unenrollment criteria": ({"unenroll": {"criteria": {"all": [OPEN]}}}, by_changing(stage="won")),
    "goal": ({"goal": {"all": [OPEN]}}, by_changing(stage="won")),
    "no longer matching": ({"unenroll": {"when_no_longer_matching": True}}, by_changing(amount=1)),
    "deletion": ({}, by_deletion),
    "another workflow": ({}, by_another_workflow),
    "merging": ({}, by_merging),
}


@pytest.mark.covers("UNE-08")
@pytest.mark.parametrize("way", WAYS)
def test_what_waits_to_be_sent_or_run_is_taken_back_however_a_record_leaves(way: str) -> None:
    parts, leave = WAYS[way]
    keeping.create(DEAL, "Left alone", now=database_now())
    workflow, (gone, _stays) = waiting(**parts)
    leave(workflow, gone)
    assert left_behind(Enrollment.objects.get(workflow=workflow, status="unenrolled")) == EARLIER
    assert left_behind(Enrollment.objects.get(workflow=workflow, status="active")) == EVERYTHING
    why = set(Delivery.objects.filter(state="skipped").values_list("last_error", flat=True))
    [sentence] = why
    assert sentence.endswith("before it was sent.")
    assert ("boss took the record out" in sentence) == (way in ("api", "admin"))


def test_nor_is_anything_of_a_deleted_workflow_sent_or_run() -> None:
    workflow, _deals = waiting()
    assert cataloguing.remove(workflow, by=boss(), now=database_now()) == 2
    assert all_left_behind(workflow) == [EARLIER, EARLIER]


@pytest.mark.covers("LIF-06")
@pytest.mark.parametrize(
    ("steps", "orphans"),
    [
        ([{"id": "ask", "action": "end", "params": {}}], {}),
        ([AFTER], {}),
        ([AFTER], {"ask": "after"}),
    ],
    ids=["another action in its place", "leaves", "sent on"],
)
def test_a_new_version_without_the_action_takes_back_what_it_had_asked_for(
    steps: list[Any], orphans: dict[str, str]
) -> None:
    workflow, _deals = waiting()
    revision = drafting.draft_of(workflow)
    revision.definition = document(BIG, steps=steps)
    revision.save()
    publish(workflow, orphans=orphans)
    assert all_left_behind(workflow) == [EARLIER, EARLIER]


def test_a_new_version_with_the_action_takes_nothing_back() -> None:
    workflow, _deals = waiting()
    revision = drafting.draft_of(workflow)
    revision.definition = document(BIG, steps=[ASK])
    revision.save()
    publish(workflow)
    assert all_left_behind(workflow) == [EVERYTHING, EVERYTHING]


def test_what_a_sender_has_in_hand_is_left_to_it() -> None:
    _workflow, (deal, _other) = waiting()
    Delivery.objects.filter(key__endswith=":ask:3:7").update(state="sending")
    unenroll(Enrollment.objects.filter(record_id=deal.pk), reason="by_hand", by=None, now=database_now())
    assert Delivery.objects.filter(state="sending").count() == 2


def test_thousands_take_as_many_statements_as_one() -> None:
    def statements(count: int) -> int:
        workflow, _deals = waiting(count)
        with CaptureQueriesContext(connection) as told:
            these = Enrollment.objects.filter(workflow=workflow)
            assert unenroll(these, reason="by_hand", by=boss(), now=database_now()) == count
        Deal.objects.all().delete()
        return len(told)

    statements(1)
    assert statements(300) == statements(1)
    assert not CodeRun.objects.exists()
    assert not Delivery.objects.filter(state="pending", key__contains=":ask:3").exists()


@pytest.mark.django_db(transaction=True)
def test_what_a_step_asks_for_while_its_record_is_taken_out_is_taken_back() -> None:
    deal = Deal.objects.create(name="D", amount=99)
    workflow = live(BIG, existing=True, steps=[ASK])
    here = Enrollment.objects.filter(workflow=workflow)

    def step() -> None:
        here.update(due_at=None, waiting_in=F("step"))
        now, one = database_now(), here.get()
        Delivery.objects.create(
            key=f"{one.pk}:ask:{one.visit}", kind="webhook", enrollment_id=one.pk, request={}, due_at=now,
            created_at=now,
        )  # fmt: skip

    assert meanwhile(step, lambda: unenroll(here, reason="by_hand", by=None, now=database_now())) == 1
    assert (Delivery.objects.get().state, deal.pk) == ("skipped", here.get().record_id)
