"""Two at once: whoever comes first wins, the other does nothing, and nobody is left in between."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from crm.models import Deal, Task
from records.clock import database_now
from records.object_types import object_types
from records.saving import delete_records
from tests.stories.promises import broken_promises
from tests.workflows.publishing_deals import BIG, WAIT, boss, draft, live
from workflows import drafting
from workflows.engine.taking_steps import run_due
from workflows.enrollment import enrolling
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import cataloguing, previewing, publishing, switching
from workflows.models import Enrollment, StepExecution, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 60
CALL = {"id": "call", "action": "create_task", "params": {"title": "Call {{ deal.name }}"}}
SECOND = {"id": "second", "action": "create_task", "params": {"title": "Write to {{ deal.name }}"}}


@pytest.fixture(autouse=True)
def _promises_hold(transactional_db: None) -> Iterator[None]:
    yield
    assert broken_promises() == {}


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run every job in a thread with a connection of its own, all starting together; what each returned or raised."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        try:
            gate.wait(timeout=60)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(run, job) for job in jobs]
        return [future.exception(timeout=60) or future.result() for future in futures]


def unbroken(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def deals(count: int = COUNT, **facts: Any) -> list[int]:
    return [deal.pk for deal in Deal.objects.bulk_create(Deal(name=f"D{n}", **facts) for n in range(count))]


def manual(*steps: dict[str, Any]) -> Workflow:
    workflow = drafting.create(
        "Test",
        "deal",
        boss(),
        {"format": 1, "object": "deal", "trigger": {"kind": "manual"}, "steps": list(steps or (CALL, WAIT))},
    )
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def enter(workflow: Workflow, ids: list[int]) -> enrolling.Enrolled:
    return enrolling.enroll(workflow, ids, cause={"kind": "manual"}, now=database_now(), manual=True)


def run_all() -> int:
    done = 0
    while more := run_due(database_now(), 7):
        done += more
    return done


def active(workflow: Workflow) -> Any:
    return Enrollment.objects.filter(workflow=workflow, status="active")


def tasks() -> Counter[str]:
    return Counter(Task.objects.values_list("title", flat=True))


def test_enrolled_four_times_at_once_is_enrolled_once() -> None:
    workflow, ids = manual(), deals()
    answers = unbroken(at_once(*[lambda: enter(workflow, ids)] * 4))
    assert sum(len(answer.enrolled) for answer in answers) == active(workflow).count() == COUNT
    assert Counter(code for answer in answers for code in answer.refused.values()) == {"already_enrolled": 3 * COUNT}
    run_all()
    assert set(tasks().values()) == {1} and len(tasks()) == COUNT


def test_dispatched_enrolled_by_hand_and_published_at_once_is_enrolled_once() -> None:
    workflow, ids = live(BIG, steps=[CALL, WAIT]), deals(amount=1)
    tick(database_now())
    Deal.objects.filter(pk__in=ids).update(amount=99)
    drafting.draft_of(workflow)
    unbroken(
        at_once(
            lambda: dispatch(database_now()),
            lambda: dispatch(database_now()),
            lambda: enter(workflow, ids),
            lambda: publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=True),
        )
    )
    tick(database_now())
    assert active(workflow).count() == len(tasks()) == COUNT
    assert Enrollment.objects.exclude(status="refused").count() == COUNT
    assert set(tasks().values()) == {1}


def test_four_workers_take_each_record_through_each_step_once() -> None:
    workflow, ids = manual(CALL, SECOND, WAIT), deals()
    enter(workflow, ids)
    unbroken(at_once(*[run_all] * 4))
    assert len(tasks()) == 2 * COUNT and set(tasks().values()) == {1}
    assert set(active(workflow).values_list("step", "attempts", "claim")) == {("wait", 0, None)}


def take_out(workflow: Workflow) -> int:
    return enrolling.unenroll(active(workflow), reason="by_hand", by=boss(), now=database_now())


def remove_records(ids: list[int]) -> Any:
    return delete_records(object_types["deal"], ids, actor=None)


RIVALS: dict[str, Callable[[Workflow, list[int]], Any]] = {
    "unenroll": lambda workflow, ids: take_out(workflow),
    "delete the records": lambda workflow, ids: remove_records(ids),
    "delete half of the records for good": lambda workflow, ids: Deal.objects.filter(pk__in=ids[::2]).delete(),
    "delete the workflow": lambda workflow, ids: cataloguing.remove(workflow, by=boss(), now=database_now()),
    "turn off": lambda workflow, ids: switching.turn_off(workflow, by=boss(), now=database_now()),
}


@pytest.mark.parametrize("name", RIVALS)
def test_a_step_and_its_rival_at_once_leave_each_record_done_or_untouched(name: str) -> None:
    workflow, ids = manual(), deals()
    enter(workflow, ids)
    boss()
    unbroken(at_once(run_all, run_all, lambda: RIVALS[name](workflow, ids)))
    tick(database_now())
    lines = StepExecution.objects.filter(step="call", outcome="success")
    logged = Counter(lines.values_list("enrollment", flat=True))
    assert set(logged.values()) <= {1}
    assert set(tasks().values()) <= {1}
    assert len(tasks()) == len(logged), "a task without its line in the history, or a line without its task"
    left = set(active(workflow).values_list("step", flat=True))
    assert left <= ({"wait"} if name in ("turn off", "delete half of the records for good") else set())


def test_publishing_while_workers_run_loses_nobody_and_repeats_nothing() -> None:
    workflow, ids = manual(CALL, SECOND, WAIT), deals(300)
    enter(workflow, ids)
    redraft(workflow, CALL, SECOND, {"id": "more", "action": "create_task", "params": {"title": "More"}}, WAIT)

    def publish() -> Any:
        return publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)

    *_steps, published = unbroken(at_once(run_all, run_all, publish))
    run_all()
    assert set(active(workflow).values_list("step", "revision")) == {("wait", published.revision.pk)}
    assert active(workflow).count() == 300
    found = tasks()
    more = found.pop("More", 0)
    assert len(found) == 600 and set(found.values()) == {1}
    assert more <= 300


def test_whoever_reaches_a_step_that_stays_while_theirs_is_removed_stays_inside() -> None:
    workflow, ids = manual(CALL, WAIT), deals(200)
    enter(workflow, ids)
    redraft(workflow, WAIT)

    def publish() -> Any:
        return publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)

    *_steps, published = unbroken(at_once(run_all, run_all, publish))
    gone = Enrollment.objects.filter(workflow=workflow, status="unenrolled", ended_reason="step_removed").count()
    assert published.removed == gone
    assert active(workflow).count() == published.moved == len(tasks()) == 200 - gone


def redraft(workflow: Workflow, *steps: dict[str, Any]) -> None:
    revision = drafting.draft_of(workflow)
    revision.definition = {**revision.definition, "steps": list(steps)}
    revision.save()


def test_of_two_publishers_one_publishes() -> None:
    workflow = draft(BIG)
    rev = previewing.draft(workflow).rev
    boss()

    def publish() -> Any:
        return publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=True, rev=rev)

    answers = at_once(publish, publish)
    kinds = sorted(type(answer).__name__ for answer in answers)
    assert kinds == ["Published", "RevisionConflict"]
    assert workflow.revisions.count() == 1


def test_of_two_who_replace_the_same_draft_one_is_told_of_the_other() -> None:
    workflow = draft(BIG)
    rev = previewing.draft(workflow).rev
    document = previewing.draft(workflow).definition
    boss()

    def replace(name: str) -> Any:
        return drafting.replace(workflow, {**document, "description": name}, rev, user=boss(), now=database_now())

    answers = at_once(lambda: replace("one"), lambda: replace("two"))
    kinds = sorted(type(answer).__name__ for answer in answers)
    assert kinds == ["Applied", "Conflict"]
    after = previewing.draft(workflow)
    assert after.rev == rev + 1 and after.ops.count() == 1
