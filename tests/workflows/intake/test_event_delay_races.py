"""An event and the wait for it at the same moment: whoever commits first, it is found, and found once."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from crm.models import Deal, Task
from records.associations import associate
from records.clock import database_now
from records.models import Change, PendingChange
from tests.stories.promises import broken_promises
from tests.workflows.building import enroll, make_workflow, step
from tests.workflows.engine.test_crashes import start_worker
from tests.workflows.intake.test_races import at_once, unbroken
from tests.workflows.waiting_deals import STAGE, happened, run, task_for, wait, waiting
from workflows.engine.taking_steps import run_due
from workflows.intake.dispatching import dispatch
from workflows.models import Enrollment, EventWait, StepExecution
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db(transaction=True)
TASK = {"event": "task_completed"}


@pytest.fixture(autouse=True)
def _promises_hold(transactional_db: None) -> Iterator[None]:
    yield
    assert broken_promises() == {}


class Beside:
    """A transaction on a connection of its own that stays open until it is told to commit."""

    def __init__(self, work) -> None:
        self.done, self.go_on = threading.Event(), threading.Event()
        self.pool = ThreadPoolExecutor(1)
        self.future = self.pool.submit(self.run, work)
        assert self.done.wait(60)
        if self.future.done():
            self.future.result()

    def run(self, work) -> None:
        try:
            with transaction.atomic():
                work()
                self.done.set()
                assert self.go_on.wait(120)
        finally:
            self.done.set()
            connection.close()

    def commit(self) -> None:
        """Raises what went wrong in there: otherwise it would only be seen as something that did not happen."""
        self.go_on.set()
        self.future.result(timeout=60)
        self.pool.shutdown()


def arriving(**params):
    """A deal with an open task about to come to its wait."""
    deal = Deal.objects.create(name="D")
    task = Task.objects.create(title="Call")
    associate("deal", "task", [(deal.pk, task.pk)])
    while dispatch(database_now()):
        pass
    workflow = make_workflow([wait(**params), step("count", "change_number", property="amount", by=1)], "deal")
    (enrollment,) = enroll(workflow, [deal.pk], now=database_now())
    return enrollment, task


def complete(task):
    Task.objects.filter(pk=task.pk).update(status="done")


@pytest.mark.covers("DLY-08")
def test_what_is_committed_and_dispatched_before_the_wait_can_be_seen_is_found_by_its_check():
    deal, task = arriving(**TASK)
    walk = Beside(lambda: run_due(database_now()))
    complete(task)
    while dispatch(database_now()):
        pass
    assert not PendingChange.objects.exists(), "the dispatcher has taken the change and seen no wait"
    assert not EventWait.objects.exists()
    walk.commit()
    assert happened(deal) is None
    run()
    assert happened(deal) is True


def test_what_is_committed_after_the_check_is_found_when_it_is_dispatched():
    deal, task = arriving(**TASK)
    run_due(database_now())
    change = Beside(lambda: complete(task))
    run()
    assert EventWait.objects.get().check_at is None, "the check has seen no change"
    change.commit()
    assert happened(deal) is None
    run()
    assert happened(deal) is True


def test_a_change_made_before_the_wait_does_not_count_although_it_is_committed_after_it():
    deal, task = arriving(**TASK)
    change = Beside(lambda: complete(task))
    run()
    change.commit()
    run()
    assert happened(deal) is None, "by the order of the journal it was before"


def test_a_wait_that_is_over_and_its_event_at_the_same_moment_end_it_once():
    _workflow, enrollments = waiting(30, **STAGE, max_wait={"minutes": 1})
    for found in enrollments:
        found.refresh_from_db()
    later = max(found.due_at for found in enrollments)
    Deal.objects.update(stage="won")
    unbroken(at_once(*[lambda: tick(later), lambda: dispatch(later), lambda: run_due(later, 7), lambda: tick(later)]))
    tick(later)
    assert {happened(found) for found in enrollments} == {True}
    assert StepExecution.objects.filter(outcome="success").count() == 30


def test_an_event_that_comes_while_the_record_goes_on_to_its_next_wait_is_not_taken_for_that_one():
    deal = Deal.objects.create(name="D")
    later = {**wait(**TASK), "id": "later"}
    workflow = make_workflow([wait(**STAGE, max_wait={"minutes": 1}), later], "deal")
    (enrollment,) = enroll(workflow, [deal.pk], now=database_now())
    run()
    enrollment.refresh_from_db()
    over = enrollment.due_at
    walk = Beside(lambda: run_due(over))
    # The record is locked by the walk, so that only the journal can say that it was changed.
    record_change(deal.pk)
    dispatcher = threading.Thread(target=lambda: (dispatch(database_now()), connection.close()))
    dispatcher.start()
    wait_until_blocked()
    walk.commit()
    dispatcher.join(60)
    found = EventWait.objects.get()
    assert (found.step, found.happened_at) == ("later", None)
    task = task_for(enrollment)
    run()
    enrollment.refresh_from_db()
    assert enrollment.status == "active"
    complete(task)
    run()
    enrollment.refresh_from_db()
    assert enrollment.outputs == {"wait": {"happened": False}, "later": {"happened": True}}


def record_change(deal_id: int) -> None:
    facts = {"object_type": "deal", "record_id": deal_id, "kind": "updated", "at": database_now()}
    change = Change.objects.create(after={"stage": "won"}, **facts)
    PendingChange.objects.create(change_id=change.pk, properties=["stage"], **facts)


def wait_until_blocked() -> None:
    """Until a statement that locks enrollments waits for somebody else's lock."""
    blocked = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%workflows_enrollment%'
    """
    for _attempt in range(500):
        with connection.cursor() as cursor:
            cursor.execute(blocked)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("Nobody waits.")


def test_changes_and_arrivals_of_hundreds_at_once_lose_nobody_and_wake_nobody_twice():
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    made = Deal.objects.bulk_create(Deal(name=f"D{n}", amount=0) for n in range(200))
    count = step("count", "change_number", property="amount", by=1)
    workflow = make_workflow([wait(**TASK), count], "deal")
    other = make_workflow([wait(event="workflow_completed", workflow=str(workflow.pk)), count], "deal")
    tasks = Task.objects.bulk_create(Task(title="Call") for _deal in made)
    associate("deal", "task", [(deal.pk, task.pk) for deal, task in zip(made, tasks, strict=True)])
    ids = [deal.pk for deal in made]
    enroll(other, ids, now=database_now())
    enroll(workflow, ids, now=database_now())
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            tick(database_now(), go_on=lambda: not over.is_set())

    def change() -> None:
        try:
            for task in chance.sample(tasks, len(tasks)):
                # Only what is waiting counts, so the task is done until its deal has been woken.
                complete(task)
                Task.objects.filter(pk=task.pk).update(status="open")
            for _round in range(100):
                waiting_for = EventWait.objects.filter(source="change:task")
                if not waiting_for.exists() and not Enrollment.objects.filter(workflow=workflow, status="active"):
                    break
                Task.objects.update(status="done")
                Task.objects.update(status="open")
        finally:
            over.set()

    unbroken(at_once(work, work, work, change))
    for _pass in range(2):
        EventWait.objects.exclude(check_at=None).update(check_at=database_now())
        run()
    assert not EventWait.objects.exists(), f"seed {seed}"
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"completed"}
    assert set(Deal.objects.values_list("amount", flat=True)) == {2}


@pytest.mark.parametrize("failpoint", ["after_take", "before_dispatch_commit", "after_dispatch_commit"])
def test_a_dispatcher_killed_while_it_wakes_loses_nothing_and_wakes_once(failpoint):
    _workflow, enrollments = waiting(20, **STAGE)
    run()
    Deal.objects.update(stage="won")
    assert start_worker(HEADRACE_FAILPOINT=failpoint).wait(timeout=120) == -signal.SIGKILL
    woken = Enrollment.objects.exclude(due_at=None).count()
    assert woken == (20 if failpoint == "after_dispatch_commit" else 0)
    run()
    assert {happened(found) for found in enrollments} == {True}
    assert StepExecution.objects.filter(outcome="success").count() == 20


@pytest.mark.parametrize("failpoint", ["after_effect", "after_move", "before_commit", "after_commit"])
def test_a_worker_killed_while_records_come_to_the_wait_or_leave_it_leaves_all_or_nothing(failpoint):
    made = Deal.objects.bulk_create(Deal(name=f"D{n}") for n in range(20))
    while dispatch(database_now()):
        pass
    workflow = make_workflow([wait(**STAGE)], "deal")
    enrollments = enroll(workflow, [deal.pk for deal in made], now=database_now())
    assert start_worker(HEADRACE_FAILPOINT=failpoint).wait(timeout=120) == -signal.SIGKILL
    assert EventWait.objects.count() == (20 if failpoint == "after_commit" else 0)
    end_leases()
    run()
    Deal.objects.update(stage="won")
    while dispatch(database_now()):
        pass
    assert start_worker(HEADRACE_FAILPOINT=failpoint).wait(timeout=120) == -signal.SIGKILL
    assert EventWait.objects.count() == (0 if failpoint == "after_commit" else 20)
    end_leases()
    run()
    assert {happened(found) for found in enrollments} == {True}
    assert StepExecution.objects.filter(outcome="success").count() == 20


def end_leases() -> None:
    Enrollment.objects.filter(claim__isnull=False).update(claimed_until=database_now())
