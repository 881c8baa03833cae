"""Workers that freeze and wake up later, are asked to stop, or are taken down by a record (F-08, F-09, F-10)."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from crm.models import Contact, Task
from records.clock import database_now
from tests.reliability import journeys
from tests.reliability.conftest import FULL
from tests.reliability.poison import Explode
from tests.reliability.workers import Nursery
from tests.stories.promises import broken_promises
from tests.workflows.building import make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution
from workflows.processes.ticking import tick
from workflows.registries import actions

pytestmark = pytest.mark.django_db(transaction=True)
ZOMBIES, DEPLOYMENTS = (50, 20) if FULL else (10, 3)
#: Where a worker freezes: before its transaction, or in it, when PostgreSQL ends its connection meanwhile.
PLACES = ("after_claim", "after_lock", "after_effect", "after_log", "before_commit")


def everything() -> list[Any]:
    """All that steps leave behind, with who claims what, to be compared."""
    return [
        list(StepExecution.objects.order_by("id").values_list("id", "enrollment", "visit", "step", "outcome")),
        list(Enrollment.objects.order_by("id").values_list("id", "status", "step", "visit", "due_at", "claim")),
        list(Contact.objects.order_by("pk").values_list("pk", "city", "lead_score")),
        Task.objects.count(),
    ]


def freeze(nursery: Nursery, place: str, **order: Any) -> Any:
    """A worker that has claimed a batch and stands still at a place, past its lease."""
    tick_changes()
    worker = nursery.start("batch", f"{place}:SIGSTOP", **order)
    nursery.wait_until_frozen(worker)
    assert Enrollment.objects.filter(claim__isnull=False).exists()
    if place != "after_claim":
        end_transactions()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_enrollment SET claimed_until = clock_timestamp() WHERE claim IS NOT NULL")
    return worker


def tick_changes() -> None:
    from workflows.intake.dispatching import dispatch

    while dispatch(database_now()):
        pass


def end_transactions() -> None:
    """What PostgreSQL does to sessions that do nothing in an open transaction."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
            )
            if cursor.fetchone()[0]:
                time.sleep(0.02)
                return
    raise AssertionError("No transaction was open.")


@pytest.mark.fault("F-08")
def test_a_worker_that_wakes_up_after_its_lease_is_refused(
    nursery: Nursery, chance: random.Random, note: Callable[..., None]
) -> None:
    journeys.begin()
    refused = Counter[str]()
    for _zombie in range(ZOMBIES):
        journeys.feed(3)
        place = chance.choice(PLACES)
        zombie = freeze(nursery, place)
        while run_due(database_now()):
            pass
        before = everything()
        nursery.signal(zombie, signal.SIGCONT)
        nursery.wait(zombie)
        refused[place] += before == everything()
    for _day in range(3):
        journeys.hurry()
        assert nursery.run("tick") == 0
    found = journeys.verdict(nursery.mails)
    note(zombies=ZOMBIES, refused=sum(refused.values()), lost_doubled_or_stuck=len(found))
    assert sum(refused.values()) == ZOMBIES
    assert found == []


@pytest.mark.fault("F-01c")
def test_a_worker_that_does_not_look_at_its_claim_is_found_out(nursery: Nursery, note: Callable[..., None]) -> None:
    journeys.begin()
    journeys.feed(3)
    zombie = freeze(nursery, "after_claim", mistakes=["never_look_at_the_claim"])
    while run_due(database_now()):
        pass
    before = everything()
    nursery.signal(zombie, signal.SIGCONT)
    nursery.wait(zombie)
    after = everything()
    note(control="claim not looked at", caught=[f"{len(after[0]) - len(before[0])} lines by a worker without a lease"])
    assert before != after, "The zombie let three who wait go on, and nobody saw it."


@pytest.mark.fault("F-09")
def test_workers_asked_to_stop_finish_their_batch_and_leave_nothing_claimed(
    nursery: Nursery, chance: random.Random, note: Callable[..., None]
) -> None:
    journeys.begin()
    longest = 0.0
    for _deployment in range(DEPLOYMENTS):
        known = StepExecution.objects.count()
        journeys.feed(300)
        worker, clock = (nursery.start(role) for role in ("worker", "clock"))
        wait_until_busy(known)
        journeys.hurry()
        time.sleep(chance.uniform(0, 0.5))
        started = time.monotonic()
        for process in (worker, clock):
            nursery.signal(process, signal.SIGTERM)
        assert nursery.wait(worker, 30) == 0, nursery.told()
        # One that has only just been born knows nothing of signals yet.
        assert nursery.wait(clock, 30) in (0, -signal.SIGTERM), nursery.told()
        longest = max(longest, time.monotonic() - started)
        assert not Enrollment.objects.filter(claim__isnull=False).exists()
        assert not Enrollment.objects.filter(attempts__gt=0).exists()
    for _day in range(3):
        journeys.hurry()
        assert nursery.run("tick") == 0
    found = journeys.verdict(nursery.mails)
    note(deployments=DEPLOYMENTS, longest_exit_seconds=round(longest, 1), lost_doubled_or_stuck=len(found))
    assert found == []


def wait_until_busy(lines: int) -> None:
    """Until more steps are logged than there were."""
    end = time.monotonic() + 60
    while StepExecution.objects.count() == lines:
        assert time.monotonic() < end, "STUCK"
        time.sleep(0.01)


@pytest.fixture
def _poison() -> Iterator[None]:
    actions.register(Explode)
    yield
    del actions[Explode.slug]


@pytest.mark.fault("F-10")
@pytest.mark.usefixtures("_poison")
def test_a_record_that_takes_workers_down_fails_alone_among_a_thousand(
    nursery: Nursery, note: Callable[..., None]
) -> None:
    made = Contact.objects.bulk_create(Contact(email=f"c{number}@example.com") for number in range(1_001))
    Contact.objects.filter(pk=made[500].pk).update(last_name="poison")
    workflow = make_workflow(
        [step("add", "change_number", property="lead_score", by=1), step("bang", "explode"), step("end", "end")]
    )
    tick_changes()
    from tests.workflows.building import enroll

    enroll(workflow, [contact.pk for contact in made], now=database_now())
    started = time.monotonic()
    deaths = 0
    worker = nursery.start("pump", mistakes=["load_the_poison"])
    while Enrollment.objects.filter(status="active").exists():
        assert time.monotonic() < started + 60, "STUCK"
        if worker.pid in nursery.codes:
            assert nursery.wait(worker) == 9
            deaths += 1
            worker = nursery.restart(worker)
        time.sleep(0.02)
    seconds = time.monotonic() - started
    ended = Counter(Enrollment.objects.values_list("status", "ended_reason"))
    lines = Counter(StepExecution.objects.values_list("step", "outcome"))
    note(healthy=ended["completed", "completed"], deaths=deaths, seconds=round(seconds, 1))
    assert ended == {("completed", "completed"): 1_000, ("failed", "crashed"): 1}
    assert deaths == 3
    assert lines["bang", "success"] == lines["end", "success"] == 1_000
    assert lines["add", "success"] == 1_000 + lines["bang", "failed"]
    assert set(Contact.objects.exclude(last_name="poison").values_list("lead_score", flat=True)) == {1}
    assert broken_promises() == {}
    assert tick(database_now()).steps == 0
