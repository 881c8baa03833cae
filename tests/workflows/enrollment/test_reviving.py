"""What an error has stopped can go on: again, past the step, or not at all, and who decided is kept."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils.html import strip_tags

from crm.models import Contact, User
from records import segments
from records.clock import database_now
from records.models import Membership, PendingChange
from records.object_types import object_types
from records.problems import DocumentError
from tests import plans
from tests.workflows.building import NOW, enroll, log_of, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.enrollment import reviving
from workflows.history.telling import path_of
from workflows.intake.dispatching import dispatch
from workflows.models import AuditEntry, Delivery, Enrollment, Revision, StepExecution, Workflow
from workflows.outbox import resending

pytestmark = pytest.mark.django_db
FIRST = step("first", "change_number", property="lead_score", by=1)
NAME = step("name", "edit_record", property="email", value="same@example.com") | {"on_failure": {"then": "stop"}}
LAST = step("last", "change_number", property="lead_score", by=10)
EVERY = Enrollment.objects.all()
LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", first_name="Ann", last_name="Boss")


def stopped(count: int = 3, steps: list[dict[str, Any]] | None = None) -> Workflow:
    """A workflow in which everybody has stopped at the step "name", because one contact has the address already."""
    Contact.objects.get_or_create(email="same@example.com")
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com", lead_score=0) for i in range(count))
    workflow = make_workflow(steps or [FIRST, NAME, LAST])
    enroll(workflow, [contact.pk for contact in made])
    while run_due(NOW):
        pass
    assert set(EVERY.filter(workflow=workflow).values_list("status", "step")) == {("failed", "name")}
    return workflow


def publish(workflow: Workflow, steps: list[dict[str, Any]]) -> None:
    document = {"format": 1, "object": "contact", "trigger": {"kind": "manual"}, "steps": steps}
    workflow.live = Revision.objects.create(workflow=workflow, number=2, definition=document, published_at=NOW)
    workflow.save()


def run_all(now: dt.datetime = LATER) -> None:
    while run_due(now):
        pass


@pytest.mark.covers("CPL-07")
def test_tried_again_a_stopped_record_does_its_step_and_goes_on(boss: User) -> None:
    stopped(1)
    Contact.objects.filter(email="same@example.com").delete()
    done = reviving.revive(EVERY, "retry", by=boss, now=LATER)
    assert (done.count, done.refused) == (1, {})
    run_all()
    enrollment = EVERY.get()
    assert (enrollment.status, enrollment.ended_reason) == ("completed", "completed")
    lines = [("first", "success"), ("name", "failed"), ("name", "retrying"), ("name", "success"), ("last", "success")]
    assert log_of(enrollment) == lines
    assert Contact.objects.values_list("email", "lead_score").get() == ("same@example.com", 11)


def test_taken_past_its_step_a_record_takes_the_next_one(boss: User) -> None:
    stopped(1)
    assert reviving.revive(EVERY, "skip", by=boss, now=LATER).count == 1
    run_all()
    enrollment = EVERY.get()
    assert enrollment.status == "completed"
    assert log_of(enrollment)[1:] == [("name", "failed"), ("name", "skipped"), ("last", "success")]
    assert list(StepExecution.objects.order_by("id").values_list("visit", flat=True)) == [0, 1, 1, 2]


def test_taken_past_the_last_step_a_record_has_completed(boss: User) -> None:
    stopped(1, [FIRST, NAME])
    reviving.revive(EVERY, "skip", by=boss, now=LATER)
    enrollment = EVERY.get()
    assert (enrollment.status, enrollment.step, enrollment.ended_at) == ("completed", "", LATER)
    assert run_due(LATER) == 0


def test_lists_that_ask_for_the_workflow_follow_who_goes_on(boss: User) -> None:
    workflow = stopped(2, [FIRST, NAME])
    one, other = EVERY.order_by("pk")
    inside, done = (
        segments.create({"all": [{"workflow": workflow.pk, "operator": operator}]}, object_types["contact"], now=LATER)
        for operator in ("is_enrolled", "has_completed")
    )
    for segment in (inside, done):
        segments.fill(segment, LATER)
    PendingChange.objects.all().delete()
    reviving.revive(EVERY.filter(pk=one.pk), "retry", by=boss, now=LATER)
    reviving.revive(EVERY.filter(pk=other.pk), "skip", by=boss, now=LATER)
    while dispatch(LATER):
        pass
    assert list(Membership.objects.filter(segment=inside).values_list("record_id", flat=True)) == [one.record_id]
    assert list(Membership.objects.filter(segment=done).values_list("record_id", flat=True)) == [other.record_id]


def test_taken_past_a_branching_a_record_goes_on_where_its_paths_meet(boss: User) -> None:
    split = step("split", "branch", [{"name": "Otherwise", "steps": [step("inside", "end")]}])
    stopped(1)
    EVERY.update(step="split")
    publish(Workflow.objects.get(), [FIRST, split, LAST])
    reviving.revive(EVERY, "skip", by=boss, now=LATER)
    assert EVERY.get().step == "last"


def test_what_a_record_tells_names_who_had_it_go_on(boss: User) -> None:
    stopped(1)
    reviving.revive(EVERY, "retry", by=boss, now=LATER)
    sentences = [strip_tags(line.sentence) for line in path_of(EVERY.get())]
    assert sentences[-1] == f"{boss} had this step tried again."
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.user, entry.detail, entry.at) == ("retried", boss, {"records": 1}, LATER)


def test_many_are_revived_in_as_many_statements_as_few(boss: User, django_assert_max_num_queries: Any) -> None:
    stopped(40)
    with django_assert_max_num_queries(8):
        assert reviving.revive(EVERY, "retry", by=boss, now=LATER).count == 40


def test_the_counts_before_are_those_of_the_deed_and_each_refusal_has_its_reason(boss: User) -> None:
    workflow = stopped(5)
    gone, again, *_others = EVERY.order_by("pk")
    Contact.objects.get(pk=gone.record_id).delete()
    enroll(workflow, [again.record_id], now=LATER + dt.timedelta(days=1))
    before = reviving.preview(EVERY, "retry")
    assert (before.count, before.refused) == (3, {"record_deleted": 1, "already_enrolled": 1})
    assert reviving.revive(EVERY, "retry", by=boss, now=LATER) == before
    assert set(reviving.stopped().values_list("pk", flat=True)) == {gone.pk, again.pk}
    assert set(before.refused) <= set(reviving.REFUSALS)


def test_a_record_that_stopped_twice_goes_on_once(boss: User) -> None:
    workflow = stopped(1)
    first = EVERY.get()
    enroll(workflow, [first.record_id])
    run_all(NOW)
    done = reviving.revive(EVERY, "retry", by=boss, now=LATER)
    assert (done.count, done.refused) == (1, {"stopped_later": 1})
    assert reviving.stopped().get() == first


def test_where_the_step_is_gone_another_one_can_be_chosen(boss: User) -> None:
    workflow = stopped(2)
    publish(workflow, [FIRST, LAST])
    assert reviving.revive(EVERY, "retry", by=boss, now=LATER).refused == {"step_gone": 2}
    with pytest.raises(DocumentError, match="nowhere"):
        reviving.revive(EVERY, "retry", by=boss, now=LATER, target="nowhere")
    assert reviving.revive(EVERY, "retry", by=boss, now=LATER, target="last").count == 2
    run_all()
    assert set(EVERY.values_list("status", "revision__number")) == {("completed", 2)}


def test_a_workflow_that_is_off_takes_nobody_back(boss: User) -> None:
    stopped(2)
    Workflow.objects.update(status="off")
    assert reviving.revive(EVERY, "skip", by=boss, now=LATER).refused == {"workflow_off": 2}


def test_nobody_without_the_right_to_publish_revives_anything() -> None:
    stopped(1)
    user = User.objects.create(username="guest")
    for deed in (
        lambda: reviving.revive(EVERY, "retry", by=user, now=LATER),
        lambda: reviving.leave(EVERY, by=user, now=LATER),
        lambda: resending.skip(Delivery.objects.all(), by=user, now=LATER),
    ):
        with pytest.raises(PermissionDenied):
            deed()
    assert reviving.stopped().count() == 1


def test_what_is_left_as_it_is_needs_nobodys_attention_any_more(boss: User) -> None:
    stopped(2)
    assert reviving.leave(EVERY.filter(pk=EVERY.order_by("pk")[0].pk), by=boss, now=LATER) == 1
    assert reviving.stopped().count() == 1
    assert set(EVERY.values_list("status", flat=True)) == {"failed"}


def test_groups_are_told_by_workflow_step_and_reason() -> None:
    stopped(3)
    [group] = reviving.groups(EVERY)
    assert (group.step, group.reason, group.count, group.newest) == ("name", "not_unique", 3, NOW)
    assert group.example == EVERY.order_by("-pk")[0].pk


def test_what_crashed_three_workers_is_stopped_and_can_be_tried_again(boss: User) -> None:
    stopped(1)
    EVERY.update(status="active", step="last", due_at=NOW, attempts=3, ended_at=None, ended_reason="")
    run_all(NOW)
    assert [group.reason for group in reviving.groups(EVERY)] == ["crashed"]
    assert reviving.revive(EVERY, "retry", by=boss, now=LATER).count == 1
    run_all()
    assert EVERY.get().status == "completed"


@pytest.mark.django_db(transaction=True)
def test_tried_again_by_two_at_once_a_record_goes_on_once(boss: User) -> None:
    stopped(20)
    Contact.objects.filter(email="same@example.com").delete()
    gate = threading.Barrier(4)

    def again() -> int:
        try:
            gate.wait(timeout=60)
            return reviving.revive(EVERY.all(), "retry", by=boss, now=database_now()).count
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        counts = [future.result(timeout=120) for future in [pool.submit(again) for _ in range(4)]]
    assert sorted(counts) == [0, 0, 0, 20]
    assert StepExecution.objects.filter(outcome="retrying").count() == 20


def test_deliveries_are_settled_three_ways_and_it_is_kept_who_did(boss: User) -> None:
    stopped(1)
    enrollment = EVERY.get()
    for number, state in enumerate(("dead", "uncertain", "pending", "done")):
        Delivery.objects.create(
            key=str(number), kind="mail", request={}, state=state, created_at=NOW, attempts=8, due_at=NOW,
            enrollment_id=enrollment.pk,
        )  # fmt: skip
    every = Delivery.objects.all()
    assert resending.stopped().count() == 2
    assert resending.mark_sent(every.filter(key="1"), by=boss, now=LATER) == 1
    assert resending.send_again(every, by=boss, now=LATER) == 1
    assert resending.skip(every, by=boss, now=LATER) == 2
    found = every.order_by("key").values_list("state", "attempts")
    assert list(found) == [("skipped", 0), ("done", 8), ("skipped", 8), ("done", 8)]
    entries = AuditEntry.objects.order_by("pk").values_list("action", "detail")
    assert list(entries) == [
        ("marked_sent", {"deliveries": 1}),
        ("sent_again", {"deliveries": 1}),
        ("deliveries_skipped", {"deliveries": 2}),
    ]


def test_thousands_go_on_at_once_also_where_the_planner_knows_nothing_of_any_table(boss: User) -> None:
    workflow = make_workflow([FIRST, NAME, LAST])
    contacts = Contact.objects.bulk_create(Contact(lead_score=0) for _number in range(4_000))
    facts: dict[str, Any] = {"workflow": workflow, "revision": workflow.live, "cause": {}, "enrolled_at": NOW}
    facts |= {"status": "failed", "step": "name", "visit": 1, "ended_at": NOW, "ended_reason": "not_unique"}
    EVERY.bulk_create((Enrollment(record_id=one.pk, **facts) for one in contacts), batch_size=2_000)
    others = Contact.objects.bulk_create(Contact(lead_score=0) for _number in range(4_000))
    facts |= {"status": "active", "due_at": NOW, "ended_at": None, "ended_reason": ""}
    EVERY.bulk_create((Enrollment(record_id=one.pk, **facts) for one in [*others, contacts[0]]), batch_size=2_000)
    tried: list[dict[str, Any]] = []
    with connection.execute_wrapper(plans.keeping(tried)):
        assert reviving.preview(EVERY, "skip").count == 3_999
        done = reviving.revive(EVERY, "skip", by=boss, now=LATER)
    assert (done.count, done.refused) == (3_999, {"already_enrolled": 1})
    assert StepExecution.objects.filter(outcome="skipped", visit=1).count() == 3_999
    handled = [plans.looked_at(plan) for plan in tried]
    assert 4_000 < max(handled) <= 20 * 4_000, handled
