"""Records moved by hand: to a step of the revision they run in, each once, and who did it is kept."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.html import strip_tags

from crm.models import Contact, User
from records.clock import database_now
from records.problems import DocumentError
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from tests.workflows.enrollment.test_leaving_races import meanwhile
from workflows import chores
from workflows.engine import claiming
from workflows.engine.taking_steps import execute, run_due
from workflows.enrollment import moving_by_hand, moving_many
from workflows.enrollment.moving_outlook import look
from workflows.history.auditing import action_of, changes_of, sentences_of
from workflows.history.telling import path_of
from workflows.history.walked import walked
from workflows.lifecycle import switching
from workflows.models import (
    AuditEntry,
    CodeRun,
    Delivery,
    Enrollment,
    EventWait,
    MassMove,
    Revision,
    StepExecution,
    Workflow,
)

pytestmark = pytest.mark.django_db
FIRST = step("first", "change_number", property="lead_score", by=1)
WAIT = step("wait", "delay", days=1)
TEN = step("ten", "change_number", property="lead_score", by=10)
LAST = step("last", "change_number", property="lead_score", by=100)
STEPS = [FIRST, WAIT, TEN, LAST]
EVERY = Enrollment.objects.all()
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", first_name="Ann", last_name="Boss")


def inside(count: int = 1, steps: list[dict[str, Any]] | None = None) -> Workflow:
    """A workflow in which everybody waits at the step "wait"."""
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com", lead_score=0) for i in range(count))
    workflow = make_workflow(steps or STEPS)
    enroll(workflow, [contact.pk for contact in made])
    run_all(NOW)
    assert set(EVERY.values_list("status", "step", "waiting_in")) == {("active", "wait", "wait")}
    return workflow


def run_all(now: dt.datetime = LATER) -> None:
    while run_due(now):
        pass


def ids() -> list[int]:
    return list(EVERY.order_by("pk").values_list("pk", flat=True))


def move(workflow: Workflow, target: str, by: User, **facts: Any) -> moving_by_hand.Moved:
    return moving_by_hand.move(workflow, ids(), target, by=by, now=LATER, **facts)


def test_a_record_that_waits_goes_on_at_another_step_at_once_and_what_lies_between_is_not_done(boss: User) -> None:
    workflow = inside()
    done = move(workflow, "last", boss)
    assert (done.count, done.cancelled, done.refused) == (1, 0, {})
    run_all()
    enrollment = EVERY.get()
    assert (enrollment.status, enrollment.ended_reason) == ("completed", "completed")
    assert log_of(enrollment) == [("first", "success"), ("wait", "waiting"), ("wait", "skipped"), ("last", "success")]
    assert Contact.objects.get().lead_score == 101
    run_all(NOW + dt.timedelta(days=2))
    assert Contact.objects.get().lead_score == 101


def test_moved_back_a_record_does_a_step_again_as_another_visit(boss: User) -> None:
    workflow = inside()
    move(workflow, "first", boss)
    run_all()
    enrollment = EVERY.get()
    assert (enrollment.step, enrollment.due_at) == ("wait", LATER + dt.timedelta(days=1))
    visits = StepExecution.objects.order_by("id").values_list("step", "visit")
    assert list(visits) == [("first", 0), ("wait", 1), ("wait", 1), ("first", 2), ("wait", 3)]
    assert Contact.objects.get().lead_score == 2


def test_path_timeline_and_audit_log_say_from_where_to_where_and_by_whom(boss: User) -> None:
    workflow = inside(2)
    move(workflow, "last", boss)
    for enrollment in EVERY:
        sentences = [strip_tags(line.sentence) for line in path_of(enrollment)]
        steps = "from “2. Delay for a set amount of time” to “4. Increase or decrease a number”"
        assert sentences[-1] == f"Moved by hand {steps} by {boss}."
        assert walked(enrollment) == {"first": "success", "wait": "skipped", "last": "waiting"}
    entry = AuditEntry.objects.get()
    assert (entry.user, entry.at, action_of(entry)) == (boss, LATER, "Moved by hand to another step")
    assert list(sentences_of(entry.detail)) == ["2 records."]
    assert changes_of(entry) == [("step", "2. Delay for a set amount of time (2)", "4. Increase or decrease a number")]


def test_what_is_told_before_is_what_is_done_and_each_refusal_has_its_reason(boss: User) -> None:
    workflow = inside(6)
    there, done, stopped, old, *_others = EVERY.order_by("pk")
    EVERY.filter(pk=there.pk).update(step="last")
    EVERY.filter(pk=done.pk).update(status="completed", step="")
    EVERY.filter(pk=stopped.pk).update(status="failed")
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": [FIRST, WAIT]}
    older = Revision.objects.create(workflow=workflow, number=7, definition=document, published_at=NOW)
    EVERY.filter(pk=old.pk).update(revision=older)
    before = look(workflow, EVERY, "last")
    assert (before.count, before.waiting) == (2, 2)
    assert before.refused == {"there": 1, "ended": 1, "stopped": 1, "no_such_step": 1}
    found = move(workflow, "last", boss)
    assert (found.count, found.refused) == (2, before.refused)
    assert set(EVERY.filter(pk__in=[done.pk, stopped.pk, old.pk]).values_list("step", flat=True)) == {"", "wait"}


def test_who_has_gone_on_since_it_was_asked_is_left_where_it_is(boss: User) -> None:
    workflow = inside(2)
    places = look(workflow, EVERY, "last").places
    gone = EVERY.order_by("pk")[0]
    EVERY.filter(pk=gone.pk).update(step="ten", waiting_in="")
    done = move(workflow, "last", boss, places=places)
    assert (done.count, done.refused) == (1, {"gone_on": 1})
    assert EVERY.get(pk=gone.pk).step == "ten"


def test_a_workflow_that_is_off_moves_nobody_and_in_a_paused_one_they_wait_where_they_come_to(boss: User) -> None:
    workflow = inside()
    switching.pause(workflow, by=boss, now=LATER)
    assert move(workflow, "ten", boss).count == 1
    run_all()
    assert EVERY.get().step == "ten"
    switching.turn_off(workflow, by=boss, now=LATER)
    assert look(workflow, EVERY, "last").refused == {"workflow_off": 1}
    assert move(workflow, "last", boss).refused == {"workflow_off": 1}


def test_nobody_without_the_right_to_publish_moves_anybody() -> None:
    workflow = inside()
    user = User.objects.create(username="guest")
    with pytest.raises(PermissionDenied, match="right to publish"):
        move(workflow, "last", user)
    with pytest.raises(PermissionDenied, match="right to publish"):
        moving_many.begin(workflow, EVERY, "last", by=user, now=LATER, places=[])
    assert EVERY.get().step == "wait"


def test_what_the_step_has_not_sent_is_not_sent_and_what_earlier_steps_have_to_send_is(boss: User) -> None:
    workflow = inside()
    enrollment = EVERY.get()
    facts: dict[str, Any] = {"request": {}, "created_at": NOW, "due_at": NOW, "enrollment_id": enrollment.pk}
    keys = {
        "wait:1": "pending",
        "wait:1:7": "pending",
        "first:0": "pending",
        "wait:10": "pending",
        "wait:1:8": "sending",
    }
    for key, state in keys.items():
        Delivery.objects.create(key=f"{enrollment.pk}:{key}", kind="webhook", state=state, **facts)
    CodeRun.objects.create(
        enrollment=enrollment, workflow_id=workflow.pk, revision_id=enrollment.revision_id, step="wait", visit=1,
        event={}, due_at=NOW, since=NOW,
    )  # fmt: skip
    before = look(workflow, EVERY, "last")
    assert (before.deliveries, before.sending, before.scripts) == (2, 1, 1)
    assert move(workflow, "last", boss).cancelled == 2
    states = {one.key.partition(":")[2]: one.state for one in Delivery.objects.all()}
    assert states == keys | {"wait:1": "skipped", "wait:1:7": "skipped"}
    assert "moved the record" in Delivery.objects.filter(state="skipped")[0].last_error
    assert not CodeRun.objects.exists()
    assert AuditEntry.objects.get().detail["cancelled"] == 2


def test_who_is_moved_waits_for_no_event_any_more(boss: User) -> None:
    workflow = inside()
    EventWait.objects.create(
        enrollment=EVERY.get(), step="wait", visit=1, object_type="contact", record_id=EVERY.get().record_id,
        event="property_changed", source="change:contact", mark=0, since=NOW,
    )  # fmt: skip
    move(workflow, "ten", boss)
    assert not EventWait.objects.exists()


def test_nobody_overtakes_the_queue_before_a_limit_by_being_moved(boss: User) -> None:
    workflow = inside()
    EVERY.update(turn=Enrollment.Turn.PROMISED)
    move(workflow, "ten", boss)
    assert EVERY.get().turn == Enrollment.Turn.NONE


def test_many_are_moved_in_as_many_statements_as_one(boss: User, django_assert_num_queries: Any) -> None:
    workflow = inside(500)
    one, *others = ids()
    with django_assert_num_queries(15):
        assert moving_by_hand.move(workflow, [one], "last", by=boss, now=LATER).count == 1
    with django_assert_num_queries(15):
        assert moving_by_hand.move(workflow, others, "last", by=boss, now=LATER).count == 499
    assert StepExecution.objects.filter(outcome="skipped").count() == 500


def test_more_than_a_thousand_are_moved_in_the_background_each_once(boss: User) -> None:
    workflow = inside(1_100)
    places = look(workflow, EVERY, "ten").places
    work = moving_many.begin(workflow, EVERY, "ten", by=boss, now=LATER, places=places)
    assert (work.total, work.percent) == (1_100, 0)
    late = EVERY.order_by("-pk")[0]
    EVERY.filter(pk=late.pk).update(step="last", waiting_in="")
    moving_many.PORTIONS.portion(database_now())
    assert MassMove.objects.get().moved == 500
    while chores.work(database_now()):
        pass
    work = MassMove.objects.get()
    assert (work.status, work.asked, work.moved, work.refused) == ("done", 1_100, 1_099, {"gone_on": 1})
    assert StepExecution.objects.filter(outcome="skipped").count() == 1_099
    entry = AuditEntry.objects.get()
    assert (entry.detail["records"], entry.user) == (1_099, boss)
    assert moving_many.CHORE.waiting_since(database_now()) is None


def test_a_move_of_many_waits_while_a_step_of_theirs_is_being_done_and_is_not_stopped_by_it(
    boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = inside(2)
    moving_many.begin(workflow, EVERY, "ten", by=boss, now=LATER, places=look(workflow, EVERY, "ten").places)

    def busy(*_args: Any, **_facts: Any) -> None:
        raise DocumentError(moving_by_hand.busy())

    with monkeypatch.context() as patch:
        patch.setattr(moving_many, "move_some", busy)
        assert moving_many.PORTIONS.portion(database_now()) is None
    assert (MassMove.objects.get().status, MassMove.objects.get().asked) == ("waiting", 0)
    moving_many.PORTIONS.work(database_now())
    assert MassMove.objects.get().status == "done"


@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_claim_was_made_before_the_move_does_nothing_with_it(boss: User) -> None:
    workflow = inside()
    EVERY.update(due_at=LATER)
    claim = claiming.claim(LATER, 10)
    assert claim is not None and claim.count == 1
    assert move(workflow, "last", boss).count == 1
    assert execute(claim, LATER) == 0
    assert Contact.objects.get().lead_score == 1
    run_all()
    assert log_of(EVERY.get()) == [("first", "success"), ("wait", "waiting"), ("wait", "skipped"), ("last", "success")]
    assert Contact.objects.get().lead_score == 101


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_comes_while_records_are_moved_waits_and_does_what_they_stand_on_then(boss: User) -> None:
    workflow = inside()
    EVERY.update(due_at=LATER)
    claim = claiming.claim(LATER, 10)
    assert claim is not None
    done = meanwhile(lambda: move(workflow, "last", boss), lambda: execute(claim, LATER))
    assert done == 0
    run_all()
    assert Contact.objects.get().lead_score == 101


@pytest.mark.django_db(transaction=True)
def test_who_moves_while_a_worker_does_the_step_waits_and_finds_the_record_where_it_has_come_to(boss: User) -> None:
    """The step is done once and the one after it too, by the worker; the move is refused as it was about the delay."""
    workflow = inside()
    EVERY.update(due_at=LATER)
    places = look(workflow, EVERY, "first").places
    claim = claiming.claim(LATER, 10)
    assert claim is not None
    steps = {"done": lambda: execute(claim, LATER), "moved": lambda: move(workflow, "first", boss, places=places)}
    found = meanwhile(steps["done"], steps["moved"])
    assert (found.count, found.refused) == (0, {"ended": 1})
    assert Contact.objects.get().lead_score == 111
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_moved_while_workers_run_everybody_does_the_last_step_once_and_no_other_one_twice(boss: User) -> None:
    workflow = inside(60)
    EVERY.update(due_at=LATER)

    def work() -> int:
        try:
            done = 0
            while found := run_due(LATER, 5):
                done += found
            return done
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        moved = 0
        for part in (ids()[start : start + 10] for start in range(0, 60, 10)):
            places = look(workflow, EVERY, "last").places
            moved += moving_by_hand.move(workflow, part, "last", by=boss, now=LATER, places=places).count
        for worker in workers:
            worker.result(timeout=120)
    run_all()
    assert set(EVERY.values_list("status", flat=True)) == {"completed"}
    assert StepExecution.objects.filter(step="last", outcome="success").count() == 60
    skipped = set(StepExecution.objects.filter(outcome="skipped").values_list("enrollment", flat=True))
    assert len(skipped) == moved
    tens = list(StepExecution.objects.filter(step="ten", outcome="success").values_list("enrollment", flat=True))
    assert len(tens) == len(set(tens))
    assert sum(Contact.objects.values_list("lead_score", flat=True)) == 60 * 101 + 10 * len(tens)


@pytest.mark.django_db(transaction=True)
def test_where_a_step_goes_on_for_long_who_moves_is_told_to_try_again(
    boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = inside()
    monkeypatch.setattr("workflows.holding.PATIENCE_WITH_STEPS", "200ms")

    def late() -> Any:
        return move(workflow, "last", boss)

    with transaction.atomic():
        EVERY.select_for_update().get()
        with ThreadPoolExecutor(1) as pool:
            error = pool.submit(closing(late)).exception(30)
    assert isinstance(error, DocumentError)
    assert [problem.code for problem in error.problems] == ["busy"]
    assert EVERY.get().step == "wait"


def closing(deed: Any) -> Any:
    def done() -> Any:
        try:
            return deed()
        finally:
            connection.close()

    return done
