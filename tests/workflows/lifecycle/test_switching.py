"""Turning on and off, pausing, resuming and finishing: who enters, what is done, and what is held."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from crm.models import Deal
from records.clock import database_now
from records.models import Segment
from records.problems import DocumentError
from tests.workflows.publishing_deals import BIG, WAIT, boss, change, draft, inside, live, publish, settle
from workflows import drafting
from workflows.engine import claiming, taking_steps
from workflows.engine.taking_steps import run_due
from workflows.holding import Held, hold_still
from workflows.lifecycle import cataloguing, switching
from workflows.models import AuditEntry, Enrollment, Notification, StepExecution, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db
WIN = {"id": "win", "action": "edit_record", "params": {"property": "stage", "value": "won"}}
DAY = dt.timedelta(days=1)


def deal(amount: int = 99) -> Deal:
    return Deal.objects.create(name="A", amount=amount, stage="new")


def run(now: dt.datetime | None = None) -> None:
    while run_due(now or database_now()):
        pass


def outcomes(workflow: Workflow) -> list[tuple[str, str, str]]:
    lines = StepExecution.objects.filter(enrollment__workflow=workflow).order_by("id")
    return [(line.step, line.outcome, line.detail.get("reason", "")) for line in lines]


def audit(workflow: Workflow) -> list[str]:
    rows = AuditEntry.objects.filter(workflow=workflow).exclude(action="created").order_by("id")
    return list(rows.values_list("action", flat=True))


def switch(verb: Any, workflow: Workflow, **options: Any) -> str:
    verb(workflow, by=boss(), now=database_now(), **options)
    workflow.refresh_from_db()
    return workflow.status


@pytest.mark.covers("LIF-01", "LIF-02", "CPL-08")
def test_of_a_workflow_that_is_off_actions_are_skipped_and_delays_and_branches_go_on():
    split = {
        "id": "split", "action": "branch",
        "branches": [
            {"name": "Big", "criteria": {"all": [BIG]}, "steps": [WIN]},
            {"name": "Small", "steps": [{**WIN, "id": "lose"}]},
        ],
    }  # fmt: skip
    first, workflow = deal(), live(BIG, existing=True, steps=[WAIT, split])
    run()
    assert switch(switching.turn_off, workflow) == "off"
    change(deal(1), amount=50)
    assert inside(workflow) == [first.pk]
    run(database_now() + 3 * DAY)
    assert outcomes(workflow) == [
        ("wait", "waiting", ""),
        ("wait", "success", ""),
        ("split", "success", ""),
        ("win", "skipped", "workflow_off"),
    ]
    first.refresh_from_db()
    assert (first.stage, Enrollment.objects.get().status) == ("new", "completed")


@pytest.mark.covers("LIF-03")
def test_a_step_that_comes_due_when_the_workflow_is_on_again_is_done():
    first, workflow = deal(), live(BIG, existing=True, steps=[WAIT, WIN])
    run()
    switch(switching.turn_off, workflow)
    run(database_now() + DAY)
    switch(switching.turn_on, workflow)
    run(database_now() + 3 * DAY)
    first.refresh_from_db()
    assert first.stage == "won"


def test_who_begins_to_match_while_it_is_off_does_not_enter_when_it_is_turned_on():
    workflow, small = live(BIG), deal(1)
    settle()
    switch(switching.turn_off, workflow)
    change(small, amount=50)
    switch(switching.turn_on, workflow)
    settle()
    assert inside(workflow) == []
    change(small, amount=1)
    change(small, amount=50)
    assert inside(workflow) == [small.pk]


@pytest.mark.covers("LIF-04", "CPL-08")
def test_while_paused_records_enter_and_nothing_is_done_until_it_goes_on():
    first, workflow = deal(), live(BIG, existing=True, steps=[WAIT, WIN])
    run()
    assert switch(switching.pause, workflow) == "paused"
    second = deal(1)
    change(second, amount=50)
    late = database_now() + 3 * DAY
    run(late)
    tick(late)
    assert inside(workflow) == [first.pk, second.pk]
    assert outcomes(workflow) == [("wait", "waiting", "")]
    assert Segment.objects.get().active

    assert switch(switching.resume, workflow) == "on"
    run(late)
    first.refresh_from_db()
    second.refresh_from_db()
    # The delay of the second began when it entered, so its time went on while the workflow was paused.
    assert (first.stage, second.stage) == ("won", "won")
    assert audit(workflow) == ["published", "paused", "resumed"]


def test_each_switch_is_noted_once_and_repeating_it_changes_nothing():
    deal()
    workflow = live(BIG, existing=True)
    for verb, status in (
        (switching.pause, "paused"),
        (switching.resume, "on"),
        (switching.turn_off, "off"),
        (switching.turn_on, "on"),
    ):
        assert [switch(verb, workflow), switch(verb, workflow)] == [status, status]
    assert switch(switching.turn_off, workflow, drain=True) == "draining"
    assert switch(switching.turn_off, workflow, drain=True) == "draining"
    assert audit(workflow) == ["published", "paused", "resumed", "turned_off", "turned_on", "draining"]


def test_what_is_off_or_finishing_cannot_be_paused_or_resumed():
    deal()
    workflow = live(BIG, existing=True)
    switch(switching.turn_off, workflow, drain=True)
    for verb in (switching.pause, switching.resume):
        with pytest.raises(DocumentError, match="finishing"):
            switch(verb, workflow)
    switch(switching.turn_off, workflow)
    for verb in (switching.pause, switching.resume):
        with pytest.raises(DocumentError, match="is off"):
            switch(verb, workflow)
    workflow.refresh_from_db()
    assert workflow.status == "off"


def test_only_who_may_publish_switches(django_user_model):
    workflow, nobody = live(BIG), django_user_model.objects.create(username="nobody")
    for verb in (switching.turn_on, switching.turn_off, switching.pause, switching.resume):
        with pytest.raises(PermissionDenied):
            verb(workflow, by=nobody, now=database_now())


@pytest.mark.covers("CPL-08")
def test_a_workflow_that_finishes_lets_nobody_in_does_its_actions_and_is_off_in_the_end():
    first, workflow = deal(), live(BIG, existing=True, steps=[WAIT, WIN])
    run()
    assert switch(switching.turn_off, workflow, drain=True) == "draining"
    change(deal(1), amount=50)
    tick(database_now())
    workflow.refresh_from_db()
    assert (inside(workflow), workflow.status) == ([first.pk], "draining")
    tick(database_now() + 3 * DAY)
    first.refresh_from_db()
    workflow.refresh_from_db()
    assert (first.stage, workflow.status) == ("won", "off")
    assert audit(workflow) == ["published", "draining", "finished"]
    assert not Segment.objects.get().active


def test_finishing_is_called_off_by_turning_on_and_with_nobody_inside_it_is_off_at_once():
    deal()
    workflow = live(BIG, existing=True)
    switch(switching.turn_off, workflow, drain=True)
    assert switch(switching.turn_on, workflow) == "on"
    late = deal(1)
    settle()
    change(late, amount=50)
    assert late.pk in inside(workflow)
    Enrollment.objects.update(status="completed", step="", due_at=None)
    assert switch(switching.turn_off, workflow, drain=True) == "off"


@pytest.mark.covers("SET-14")
def test_the_clock_turns_a_workflow_off_once_at_the_wall_time_of_its_zone():
    settings = {
        "timezone": "America/New_York", "turn_off_at": "2030-07-01T18:00",
        "notify": {"users": ["boss"], "about": ["errors"]},
    }  # fmt: skip
    boss()
    workflow = live(BIG, settings=settings)
    assert workflow.turn_off_at == dt.datetime(2030, 7, 1, 22, 0, tzinfo=dt.UTC)
    before, after = workflow.turn_off_at - dt.timedelta(seconds=1), workflow.turn_off_at + dt.timedelta(seconds=1)
    assert (switching.end_due(before), switching.end_due(after), switching.end_due(after)) == (0, 1, 0)
    workflow.refresh_from_db()
    assert (workflow.status, workflow.turn_off_at) == ("off", None)
    assert audit(workflow) == ["published", "turned_off_as_planned"]
    told = Notification.objects.get()
    assert (told.user, "turned off as planned" in told.title) == (boss(), True)

    switching.turn_on(workflow, by=boss(), now=after)
    assert switching.end_due(after + DAY) == 0


def test_a_time_to_turn_off_that_has_passed_is_refused():
    workflow = draft(BIG, settings={"turn_off_at": "2020-01-01T00:00"})
    with pytest.raises(DocumentError, match="has passed") as caught:
        publish(workflow)
    assert caught.value.problems[0].path == "settings.turn_off_at"


def test_publishing_a_paused_workflow_leaves_it_paused():
    deal()
    workflow = live(BIG, existing=True)
    switch(switching.pause, workflow)
    drafting.draft_of(workflow)
    publish(workflow)
    workflow.refresh_from_db()
    assert (workflow.status, workflow.live.number) == ("paused", 2)
    assert Segment.objects.get().active


@pytest.mark.covers("LIF-05")
def test_a_deleted_workflow_leaves_the_list_and_can_be_put_back_without_those_who_were_inside(client):
    deal()
    workflow = live(BIG, existing=True)
    client.force_login(boss())
    cataloguing.remove(workflow, by=boss(), now=database_now())
    url = "/admin/workflows/workflow/"
    assert f"/{workflow.pk}/restore/" in client.get(f"{url}?deleted=yes").content.decode()
    assert client.post(f"{url}{workflow.pk}/restore/").url == url
    workflow.refresh_from_db()
    assert (workflow.deleted_at, workflow.status, inside(workflow)) == (None, "off", [])
    assert f"/{workflow.pk}/editor/" in client.get(url).content.decode()
    assert audit(workflow) == ["published", "turned_off", "deleted", "restored"]
    assert switch(switching.turn_on, workflow) == "on"
    late = deal(1)
    settle()
    change(late, amount=50)
    assert inside(workflow) == [late.pk]


def in_thread(job: Any) -> threading.Thread:
    def work() -> None:
        try:
            job()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.covers("LIF-04")
@pytest.mark.django_db(transaction=True)
def test_a_pause_waits_for_the_step_being_done_and_after_it_nothing_is_done():
    deals = Deal.objects.bulk_create(Deal(name=f"D{n}", amount=99, stage="new") for n in range(20))
    workflow = live(BIG, existing=True, steps=[WIN, {**WAIT, "params": {"minutes": 1}}, {**WIN, "id": "again"}])
    moments: dict[str, Any] = {}

    def pause() -> None:
        switching.pause(workflow, by=boss(), now=database_now())
        moments["paused"] = StepExecution.objects.count()

    with transaction.atomic():
        # The worker has claimed its batch and waits for this record in the middle of its transaction.
        Deal.objects.select_for_update().get(pk=deals[7].pk)
        worker = in_thread(lambda: run_due(database_now()))
        wait_until_somebody_waits("workflows_deal|crm_deal")
        pausing = in_thread(pause)
        wait_until_somebody_waits("pg_advisory_xact_lock")
        assert "paused" not in moments
        assert Workflow.objects.get(pk=workflow.pk).status == "on"
    worker.join(60)
    pausing.join(60)
    # The batch was finished first, both steps of it; then the pause was committed.
    assert moments["paused"] == 2 * len(deals)
    later = database_now() + DAY
    assert run_due(later) == 0
    assert StepExecution.objects.count() == moments["paused"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_has_claimed_before_a_pause_and_begins_after_it_does_nothing():
    Deal.objects.bulk_create(Deal(name=f"D{n}", amount=99, stage="new") for n in range(20))
    workflow = live(BIG, existing=True, steps=[WIN])
    claim = claiming.claim(database_now(), 500)
    switching.pause(workflow, by=boss(), now=database_now())
    with pytest.raises(Held):
        taking_steps.execute(claim, database_now())
    assert (StepExecution.objects.count(), run_due(database_now())) == (0, 0)
    claiming.release(claim, dt.timedelta(0))
    switching.resume(workflow, by=boss(), now=database_now())
    run()
    assert Deal.objects.filter(stage="won").count() == 20


@pytest.mark.django_db(transaction=True)
def test_no_step_begins_while_somebody_is_switching_the_workflow():
    deal()
    workflow = live(BIG, existing=True, steps=[WIN])
    with transaction.atomic():
        hold_still(workflow.pk)
        worker = in_thread(lambda: run_due(database_now()))
        worker.join(60)
        assert not worker.is_alive(), "a worker never waits for who switches a workflow"
        assert StepExecution.objects.count() == 0
    run()
    assert StepExecution.objects.count() == 1


def wait_until_somebody_waits(what: str) -> None:
    """Until another session waits for a lock in a statement that matches `what`."""
    sql = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ %s
    """
    for _attempt in range(1_200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(sql, [what])
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError(f"Nobody waits in {what}.")
