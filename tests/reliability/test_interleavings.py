"""Two things at once on the same records, again and again, begun a random moment apart (F-12)."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from crm.models import Contact, Task, User
from records.clock import database_now
from records.object_types import object_types
from records.saving import delete_records
from tests.reliability import journeys
from tests.reliability.conftest import FULL, Patience
from tests.stories.promises import broken_promises
from tests.workflows.building import step
from workflows import drafting
from workflows.engine.taking_steps import run_due
from workflows.enrollment import enrolling
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing, switching
from workflows.models import Enrollment, StepExecution, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 1_000 if FULL else 15
MINUTES = 1.5
COUNT = 5
STEPS = [
    step("add", "change_number", property="lead_score", by=1),
    step("task", "create_task", title="Call {{ contact.email }}"),
    step("wait", "delay", days=3),
]
Job = Callable[[Workflow, list[int]], Any]


def boss() -> Any:
    return User.objects.get(username="boss")


def enter(workflow: Workflow, ids: list[int]) -> Any:
    return enrolling.enroll(workflow, ids, cause={"kind": "manual"}, now=database_now(), manual=True)


def run(workflow: Workflow, ids: list[int]) -> None:
    while run_due(database_now(), 2):
        pass


def change(workflow: Workflow, ids: list[int]) -> None:
    Contact.objects.filter(pk__in=ids).update(job_title="buyer")
    while dispatch(database_now()):
        pass


def take_out(workflow: Workflow, ids: list[int]) -> None:
    mine = Enrollment.objects.filter(workflow=workflow, record_id__in=ids)
    enrolling.unenroll(mine, reason="by_hand", by=boss(), now=database_now())


def delete(workflow: Workflow, ids: list[int]) -> None:
    delete_records(object_types["contact"], ids, actor=None)
    while dispatch(database_now()):
        pass


def publish(workflow: Workflow, ids: list[int]) -> None:
    revision = drafting.draft_of(workflow)
    more = step("more", "create_task", title="More {{ contact.email }}")
    keep = STEPS if revision.number % 2 else STEPS[1:]
    revision.definition = {**revision.definition, "steps": [*keep, more]}
    revision.save()
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)


def turn_off_and_on(workflow: Workflow, ids: list[int]) -> None:
    switching.turn_off(workflow, by=boss(), now=database_now())
    switching.turn_on(workflow, by=boss(), now=database_now())


def pause_and_resume(workflow: Workflow, ids: list[int]) -> None:
    switching.pause(workflow, by=boss(), now=database_now())
    switching.resume(workflow, by=boss(), now=database_now())


PAIRS: dict[str, tuple[Job, Job]] = {
    "enroll and enroll": (enter, enter),
    "enroll and change": (enter, change),
    "change and change": (change, change),
    "step and step": (run, run),
    "step and unenroll": (run, take_out),
    "step and delete": (run, delete),
    "step and publish": (run, publish),
    "step and turn off": (run, turn_off_and_on),
    "step and pause": (run, pause_and_resume),
    "publish and enroll": (publish, enter),
}


@contextmanager
def two_threads() -> Iterator[ThreadPoolExecutor]:
    """Two threads that keep their connections until the end."""
    with ThreadPoolExecutor(2) as pool:
        try:
            yield pool
        finally:
            gate = threading.Barrier(2)
            for _thread in range(2):
                pool.submit(lambda: (gate.wait(timeout=20), connection.close()))


def at_once(pool: ThreadPoolExecutor, jobs: list[Callable[[], Any]], chance: random.Random) -> None:
    """Begin each a random moment after the other, in a thread with a connection of its own; raises what they raise."""
    gate = threading.Barrier(len(jobs))
    moments = [chance.uniform(0, 0.02) for _job in jobs]

    def begin(job: Callable[[], Any], moment: float) -> None:
        gate.wait(timeout=20)
        time.sleep(moment)
        job()

    for future in [pool.submit(begin, job, moment) for job, moment in zip(jobs, moments, strict=True)]:
        future.result(timeout=60)


@pytest.mark.fault("F-12")
@pytest.mark.parametrize("pair", PAIRS)
def test_two_at_once_leave_each_record_done_or_untouched(
    pair: str, transactional_db: None, chance: random.Random, note: Callable[..., None]
) -> None:
    first, second = PAIRS[pair]
    workflow = journeys.begin(STEPS)
    entering, patience, rounds = first is run, Patience(MINUTES), 0
    with two_threads() as pool:
        for number in range(ROUNDS):
            if patience.over:
                break
            rounds += 1
            made = Contact.objects.bulk_create(Contact(email=f"{number}-{n}@example.com") for n in range(COUNT))
            ids = [contact.pk for contact in made]
            if entering:
                enter(workflow, ids)
            jobs = [lambda job=job, ids=ids: job(workflow, ids) for job in (first, second)]
            at_once(pool, jobs, chance)
            if number % 10 == 0:
                assert inconsistencies() == [], f"Until round {number}"
    tick(database_now())
    note(pair=pair, rounds=rounds, inconsistent=0)
    assert inconsistencies() == []
    assert not Enrollment.objects.filter(status="active", claim__isnull=False).exists()


def inconsistencies() -> list[str]:
    """Broken promises; effects without their line in the log, or lines without their effect."""
    found = [f"{promise} Not: {ids}" for promise, ids in broken_promises().items()]
    done = StepExecution.objects.filter(outcome="success")
    adds = Counter(done.filter(step="add").values_list("enrollment__record_id", flat=True))
    scores = dict(Contact._base_manager.values_list("pk", "lead_score"))
    found += [f"Contact {pk} was changed {score} times, logged {adds[pk]}" for pk, score in scores.items()
              if (score or 0) != adds[pk]]  # fmt: skip
    tasks = done.filter(action="create_task").count()
    if tasks != Task.objects.count():
        found.append(f"{Task.objects.count()} tasks, but {tasks} lines about them")
    return found


@pytest.fixture
def _without_the_unique_index(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Enrolling with nothing that settles who wins: no unique index, no lock on the workflow."""
    constraint = next(one for one in Enrollment._meta.constraints if one.name == "one_active_enrollment")
    conflict = "ON CONFLICT (workflow_id, record_id) WHERE status = 'active' DO NOTHING"
    assert conflict in enrolling.ENROLL
    monkeypatch.setattr(enrolling, "ENROLL", enrolling.ENROLL.replace(conflict, ""))
    monkeypatch.setattr(enrolling, "locked", lambda found: Workflow.objects.select_related("live").get(pk=found.pk))
    with connection.schema_editor() as editor:
        editor.remove_constraint(Enrollment, constraint)
    yield
    Enrollment.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Enrollment, constraint)


@pytest.mark.fault("F-01c")
@pytest.mark.usefixtures("_without_the_unique_index")
def test_the_same_races_find_enrolling_without_the_unique_index(
    chance: random.Random, note: Callable[..., None]
) -> None:
    workflow = journeys.begin(STEPS)
    caught: list[str] = []
    with two_threads() as pool:
        for number in range(60):
            made = Contact.objects.bulk_create(Contact(email=f"{number}-{n}@example.com") for n in range(COUNT))
            ids = [contact.pk for contact in made]
            at_once(pool, [lambda ids=ids: enter(workflow, ids)] * 2, random.Random(0))
            if caught := inconsistencies():
                break
    note(control="unique index removed", caught=caught[:1])
    assert any("A record is in a workflow once." in fault for fault in caught)


def slow_change(began: threading.Event, go_on: threading.Event) -> None:
    """A transaction that draws its place in the queue early and commits late."""
    try:
        with transaction.atomic():
            Contact.objects.bulk_create([Contact(email="slow@example.com", job_title="buyer")])
            began.set()
            go_on.wait(20)
    finally:
        connection.close()


def overtake() -> list[str]:
    """A late commit is overtaken by one that began after it; who of both never entered."""
    began, go_on = threading.Event(), threading.Event()
    slow = threading.Thread(target=slow_change, args=(began, go_on))
    slow.start()
    assert began.wait(20)
    Contact.objects.bulk_create([Contact(email="quick@example.com", job_title="buyer")])
    dispatch(database_now())
    go_on.set()
    slow.join(20)
    dispatch(database_now())
    inside = Enrollment.objects.values_list("record_id", flat=True)
    return list(Contact.objects.exclude(pk__in=inside).values_list("email", flat=True))


@pytest.mark.fault("F-01c")
def test_a_change_committed_late_is_not_overtaken_for_good(transactional_db: None) -> None:
    journeys.begin(STEPS)
    assert overtake() == []


@pytest.mark.fault("F-01c")
def test_the_same_late_commit_finds_a_queue_read_by_the_last_id_seen(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, note: Callable[..., None]
) -> None:
    from records.models import PendingChange
    from workflows.intake import taking

    seen = [0]

    def take(now: dt.datetime, limit: int) -> taking.Taken:
        taking.lock_dispatching()
        found = list(PendingChange.objects.filter(pk__gt=seen[0]).order_by("pk")[:limit])
        seen[0] = max((change.pk for change in found), default=seen[0])
        return taking.Taken(found, [], waits=False, subscriptions=False, segments=False, hindered=None)

    monkeypatch.setattr(taking, "take", take)
    journeys.begin(STEPS)
    lost = overtake()
    note(control="queue read by the last id seen", caught=[f"{name} never entered" for name in lost])
    assert lost == ["slow@example.com"]
