"""What publishing does to the records inside: they follow or finish, leave removed steps, wait anew or as before."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Deal
from records.clock import database_now
from records.problems import DocumentError
from tests.workflows.publishing_deals import BIG, boss, document, live, publish
from workflows import drafting
from workflows.engine.taking_steps import run_due
from workflows.lifecycle import publishing
from workflows.lifecycle.following import StepCount
from workflows.models import Enrollment, Revision, StepExecution, Workflow

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
END = {"id": "end", "action": "end", "params": {}}


def wait(step: str = "wait", **amount: int) -> dict[str, Any]:
    return {"id": step, "action": "delay", "params": amount or {"days": 2}}


def win(step: str = "win", stage: str = "won") -> dict[str, Any]:
    return {"id": step, "action": "edit_record", "params": {"property": "stage", "value": stage}}


def deals(count: int = 1) -> list[Deal]:
    return Deal.objects.bulk_create(Deal(name=f"D{n}", amount=99, stage="new") for n in range(count))


def redraft(workflow: Workflow, *steps: dict[str, Any], **parts: Any) -> Revision:
    revision = drafting.draft_of(workflow)
    revision.definition = document(BIG, steps=list(steps), **parts)
    revision.save()
    return revision


def run(now: dt.datetime | None = None) -> None:
    while run_due(now or database_now()):
        pass


def review(workflow: Workflow) -> publishing.Review:
    return publishing.review(workflow, user=boss(), now=database_now())


def stages() -> set[str]:
    return set(Deal.objects.values_list("stage", flat=True))


@pytest.mark.covers("LIF-06")
def test_an_edit_reaches_who_has_not_come_to_the_edited_step_and_nobody_else():
    deals()
    workflow = live(BIG, existing=True, steps=[win("first", "engaging"), wait(), win()])
    run()
    redraft(workflow, win("first", "prospecting"), wait(), win("win", "lost"))
    assert publish(workflow).moved == 1
    assert stages() == {"engaging"}
    run(database_now() + 3 * DAY)
    assert stages() == {"lost"}


def test_who_is_pinned_takes_the_steps_it_began_with_and_the_old_revision_runs_until_it_is_empty():
    deals()
    workflow = live(BIG, existing=True, steps=[wait(), win("win", "lost")])
    run()
    redraft(workflow, wait(), win("win", "engaging"))
    done = publish(workflow, in_flight="pin")
    assert (done.moved, done.removed) == (0, 0)
    run(database_now() + 3 * DAY)
    assert stages() == {"lost"}


def test_the_version_policy_of_the_settings_decides_where_the_publisher_does_not():
    deals()
    workflow = live(BIG, existing=True, steps=[wait()])
    redraft(workflow, wait(), END, settings={"version_policy": "pin"})
    assert review(workflow).in_flight == "pin"
    assert publish(workflow).moved == 0
    redraft(workflow, wait(), END, settings={"version_policy": "follow"})
    assert review(workflow).in_flight == "follow"
    assert publish(workflow).moved == 1
    redraft(workflow, wait(), END, settings={"version_policy": "follow"})
    publish(workflow, in_flight="pin")
    assert Enrollment.objects.get().revision.number == 3


def test_orphans_are_listed_by_step_and_go_on_at_their_target_or_leave():
    deals(3)
    workflow = live(BIG, existing=True, steps=[wait("one"), wait("two"), wait("three"), win()])
    run()
    first, second, _third = Enrollment.objects.order_by("pk")
    Enrollment.objects.filter(pk=second.pk).update(step="two", waiting_in="two")
    redraft(workflow, wait("three"), win())
    found = review(workflow).inside
    assert found.orphans == [StepCount(workflow.live_id, "one", 2), StepCount(workflow.live_id, "two", 1)]
    assert [found.next_left(place, review(workflow).definition) for place in found.orphans] == ["three", "three"]

    done = publish(workflow, orphans={"one": "win", "two": ""})
    assert (done.followed.moved, done.followed.sent_on, done.followed.removed) == (2, 2, 1)
    second.refresh_from_db()
    assert (second.status, second.ended_reason) == ("unenrolled", "step_removed")
    first.refresh_from_db()
    assert (first.step, first.revision, first.waiting_in) == ("win", workflow.live, "")
    line = StepExecution.objects.filter(enrollment=first).order_by("id").last()
    assert (line.step, line.outcome, line.detail) == ("one", "skipped", {"reason": "step_replaced", "target": "win"})
    run()
    assert sorted(Deal.objects.values_list("stage", flat=True)) == ["new", "won", "won"]


def test_an_orphan_cannot_be_sent_to_a_step_that_is_not_there_and_who_is_no_orphan_stays():
    deals()
    workflow = live(BIG, existing=True, steps=[wait("one"), wait("two")])
    redraft(workflow, wait("two"))
    with pytest.raises(DocumentError) as caught:
        publish(workflow, orphans={"one": "nowhere", "two": ""})
    assert [problem.path for problem in caught.value.problems] == ["orphans.one", "orphans.two"]
    workflow.refresh_from_db()
    assert workflow.live.number == 1


@pytest.mark.covers("DLY-16")
@pytest.mark.parametrize(("delays", "after"), [("keep", 10), ("recompute", 4)])
def test_who_waits_in_a_changed_delay_keeps_its_time_or_gets_it_counted_anew_from_its_arrival(delays, after):
    deals()
    workflow = live(BIG, existing=True, steps=[wait(days=10), win()])
    run()
    began = Enrollment.objects.get().arrived_at
    redraft(workflow, wait(days=4), win())
    assert review(workflow).inside.delays == [StepCount(workflow.live_id, "wait", 1)]
    done = publish(workflow, delays=delays)
    assert done.followed.recomputed == (1 if delays == "recompute" else 0)
    run()
    enrollment = Enrollment.objects.get()
    assert enrollment.due_at - began == after * DAY
    run(began + after * DAY - dt.timedelta(minutes=1))
    assert stages() == {"new"}
    run(began + after * DAY + dt.timedelta(minutes=1))
    assert stages() == {"won"}


@pytest.mark.covers("DLY-16")
def test_a_delay_shortened_below_the_time_already_waited_is_over_at_once():
    deals()
    workflow = live(BIG, existing=True, steps=[wait(days=10), win()])
    run()
    Enrollment.objects.update(arrived_at=database_now() - 3 * DAY)
    redraft(workflow, wait(days=1), win())
    publish(workflow, delays="recompute")
    run()
    assert stages() == {"won"}


def test_a_delay_is_changed_by_the_workflows_time_zone_unless_it_knows_none():
    deals()
    timed = {"id": "timed", "action": "delay_until_time", "params": {"at": "03:00"}}
    workflow = live(BIG, existing=True, steps=[timed])
    run()
    redraft(workflow, timed, settings={"timezone": "Asia/Tokyo"})
    assert [place.step for place in review(workflow).inside.delays] == ["timed"]
    plain = live(BIG, existing=True, steps=[wait()])
    run()
    redraft(plain, wait(), settings={"timezone": "Asia/Tokyo"})
    assert review(plain).inside.delays == []


def test_who_waits_on_a_step_that_became_another_action_does_that_one():
    deals()
    workflow = live(BIG, existing=True, steps=[wait("same"), END])
    run()
    redraft(workflow, win("same"), END)
    publish(workflow)
    run()
    assert (stages(), Enrollment.objects.get().status) == ({"won"}, "completed")


def test_following_takes_the_same_statements_for_few_and_for_many():
    counts = []
    for number in (3, 60):
        Deal.objects.all().delete()
        deals(number)
        workflow = live(BIG, existing=True, steps=[wait("one"), wait("two", days=3), win()])
        run()
        redraft(workflow, wait("two", days=4), win())
        with CaptureQueriesContext(
            connection,
        ) as context:
            assert publish(workflow, orphans={"one": "two"}, delays="recompute").moved == number
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_a_worker_keeps_no_claim_on_a_record_that_has_moved():
    deals()
    workflow = live(BIG, existing=True, steps=[win()])
    Enrollment.objects.update(
        claim="00000000-0000-0000-0000-000000000001", claimed_until=database_now() + DAY, attempts=1
    )
    redraft(workflow, win("win", "lost"))
    publish(workflow)
    assert Enrollment.objects.filter(claim=None, claimed_until=None).count() == 1
    run()
    assert stages() == {"lost"}


@pytest.mark.parametrize(("options", "path"), [({"in_flight": "wait"}, "in_flight"), ({"delays": "maybe"}, "delays")])
def test_a_way_to_treat_records_inside_that_is_none_is_refused(options, path):
    workflow = live(BIG)
    redraft(workflow, wait(), END)
    with pytest.raises(DocumentError) as caught:
        publish(workflow, **options)
    assert [problem.path for problem in caught.value.problems] == [path]
