"""Workers are killed like `kill -9`, anywhere and at every named place: nothing is lost, doubled, or stuck (F-01)."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection

from tests.reliability import journeys
from tests.reliability.conftest import FULL
from tests.reliability.workers import Nursery
from workflows.failpoints import FAILPOINTS
from workflows.models import Enrollment, Revision, Workflow

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ("worker", "worker", "clock", "pump")
KILLS, SEEDS, DEATHS = (200, 3, 2) if FULL else (40, 1, 1)
COUNT = 12
#: Seconds of a claim of the nursery's workers; where one that has a claim dies, how often.
LEASE, CALM_DEATHS = 1, 40 if FULL else 4
HOLDING = ("after_claim", "after_lock", "after_effect", "after_log", "after_move", "before_commit")
#: At these a worker that only ticks never is.
PUBLISHING = [name for name in FAILPOINTS if "publish" in name]


@pytest.mark.fault("F-01")
@pytest.mark.parametrize("number", range(1, SEEDS + 1))
def test_workers_killed_at_random_do_everything_exactly_once(
    number: int, nursery: Nursery, chance: random.Random, note: Callable[..., None]
) -> None:
    journeys.begin()
    workers = [nursery.start(role) for role in ROLES]
    oldest = given_up = 0.0
    for _kill in range(KILLS):
        if journeys.inside() < 150:
            journeys.feed(chance.randint(50, 250))
        time.sleep(chance.uniform(0.02, 0.3))
        journeys.hurry()
        oldest = max(oldest, orphaned())
        victim = chance.randrange(len(workers))
        assert nursery.kill(workers[victim]) == -signal.SIGKILL
        workers[victim] = nursery.restart(workers[victim])
    tail = journeys.finish()
    given_up = journeys.try_again()
    uncertain = journeys.send_again()
    journeys.finish()
    repeated = journeys.repeats(nursery.mails)
    found = journeys.verdict(nursery.mails, given_up=int(given_up))
    note(
        kills=KILLS, enrollments=Enrollment.objects.count(), lost_doubled_or_stuck=len(found), uncertain=uncertain,
        repeated_mails=repeated, given_up_after_three_deaths=given_up, orphaned_in_the_storm_seconds=round(oldest, 1),
        tail_seconds=round(tail, 1),
    )  # fmt: skip
    assert found == []
    assert repeated <= KILLS


@pytest.mark.fault("F-01d")
def test_what_a_killed_worker_held_goes_on_when_its_lease_is_over(
    nursery: Nursery, chance: random.Random, note: Callable[..., None]
) -> None:
    journeys.begin()
    for role in ROLES:
        nursery.start(role)
    longest = 0.0
    for _death in range(CALM_DEATHS):
        doomed = nursery.start("pump", chance.choice(HOLDING))
        while doomed.pid not in nursery.codes:
            journeys.feed(20)
            journeys.hurry()
            time.sleep(0.1)
        assert nursery.wait(doomed) == -signal.SIGKILL
        longest = max(longest, until_others_hold(claims()))
    journeys.finish()
    found = journeys.verdict(nursery.mails)
    note(kills=CALM_DEATHS, lost_doubled_or_stuck=len(found), longest_until_it_went_on_seconds=round(longest, 1))
    assert found == []
    assert longest < LEASE + 5 or not FULL


def claims() -> set[UUID]:
    held = Enrollment.objects.filter(status="active", claim__isnull=False)
    return set(held.order_by().values_list("claim", flat=True).distinct())


def until_others_hold(held: set[UUID]) -> float:
    """The seconds until none of these claims is left."""
    began = time.monotonic()
    while held & claims():
        assert time.monotonic() < began + 60, "What a dead worker held is stuck."
        time.sleep(0.02)
    return time.monotonic() - began


def orphaned() -> float:
    """For how many seconds the oldest claim has been without an owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM clock_timestamp() - min(claimed_until)) FROM workflows_enrollment"
            " WHERE status = 'active' AND claim IS NOT NULL AND claimed_until < clock_timestamp()"
        )
        return float(cursor.fetchone()[0] or 0)


def die_at(nursery: Nursery, failpoint: str, workflow: Workflow) -> list[int]:
    """Workers die at a failpoint, no oftener than they may without anybody being given up; how they ended."""
    codes = []
    for _attempt in range(DEATHS):
        role, order = ("publish", {"workflow": workflow.pk}) if failpoint in PUBLISHING else ("tick", {})
        codes.append(nursery.run(role, failpoint, **order))
        end_leases()
        if codes[-1] == 0:
            break
    return codes


def end_leases() -> None:
    with connection.cursor() as cursor:
        for table in ("enrollment", "delivery"):
            cursor.execute(f"UPDATE workflows_{table} SET claimed_until = clock_timestamp() WHERE claim IS NOT NULL")
        cursor.execute(
            "UPDATE workflows_delivery SET due_at = clock_timestamp() WHERE state = 'pending' AND due_at > now()"
        )


@pytest.mark.fault("F-01b")
@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_worker_killed_at_any_named_place_leaves_all_or_nothing(
    failpoint: str, nursery: Nursery, note: Callable[..., None]
) -> None:
    workflow = journeys.begin()
    journeys.feed(COUNT)
    if failpoint not in ("after_take", "before_dispatch_commit", "after_dispatch_commit", "after_enroll"):
        assert nursery.run("tick") == 0
        journeys.hurry()
    if failpoint in PUBLISHING:
        revise(workflow)
        journeys.feed(5)
    codes = die_at(nursery, failpoint, workflow)
    assert codes[0] == -signal.SIGKILL, f"Nobody came to {failpoint}: {codes}\n{nursery.told()}"
    if failpoint in PUBLISHING and codes[-1]:
        nursery.run("publish", workflow=workflow.pk)
    for _day in range(3):
        assert nursery.run("tick") == 0, nursery.told()
        journeys.hurry()
    uncertain = journeys.send_again()
    assert nursery.run("tick") == 0
    found = journeys.verdict(nursery.mails)
    repeated = journeys.repeats(nursery.mails)
    deaths = codes.count(-signal.SIGKILL)
    note(failpoint=failpoint, kills=deaths, lost_doubled_or_stuck=len(found), uncertain=uncertain,
         repeated_mails=repeated)  # fmt: skip
    assert found == []
    assert repeated <= deaths


def revise(workflow: Workflow) -> None:
    """A draft that is what is live, but for a comment."""
    live = Revision.objects.get(pk=Workflow.objects.get(pk=workflow.pk).live_id)
    document = {**live.definition, "description": "Again"}
    Revision.objects.create(workflow=workflow, number=live.number + 1, definition=document)


@pytest.mark.fault("F-01c")
def test_the_same_deaths_find_a_worker_that_commits_in_two_parts(nursery: Nursery, note: Callable[..., None]) -> None:
    journeys.begin()
    journeys.feed(COUNT)
    assert nursery.run("tick", "after_log", mistakes=["commit_in_two_parts"]) == -signal.SIGKILL
    end_leases()
    for _day in range(3):
        assert nursery.run("tick") == 0
        journeys.hurry()
    found = journeys.verdict(nursery.mails)
    note(control="effect outside the transaction", caught=found)
    assert any("changed twice" in fault for fault in found)
