"""Delays until an event: what counts, how long, and what later steps and the history know of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Deal, Note, Task, User
from records.associations import associate, dissociate
from records.clock import database_now
from records.models import PendingChange
from tests.stories.promises import broken_promises
from tests.toy.models import Book, Library
from tests.workflows.building import enroll, make_workflow, step
from tests.workflows.publishing_deals import boss
from tests.workflows.waiting_deals import (
    STAGE,
    deal_of,
    happened,
    run,
    sentences,
    task_for,
    wait,
    waiting,
)  # fmt: skip
from workflows import drafting
from workflows.enrollment.enrolling import unenroll
from workflows.intake import occurrences
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing, switching
from workflows.models import Enrollment, EventWait, StepExecution, Workflow
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
MANUAL = {"format": 1, "object": "deal", "trigger": {"kind": "manual"}}


@pytest.mark.covers("DLY-05", "DLY-07")
def test_a_record_waits_until_a_property_changes_and_says_that_it_happened():
    _workflow, (first, second) = waiting(2, **STAGE)
    run()
    assert [happened(first), happened(second)] == [None, None]
    deal_of(first).update(stage="won")
    run()
    assert [happened(first), happened(second)] == [True, None]
    assert sentences(first) == [
        "Waits until: Stage changes",
        "Waited until: Stage changes. It happened within a minute",
    ]
    assert broken_promises() == {}


def test_another_property_or_another_value_is_not_what_it_waits_for():
    _workflow, (deal,) = waiting(**STAGE, values=["won", "lost"])
    deal_of(deal).update(name="Renamed")
    deal_of(deal).update(stage="engaging")
    run()
    assert happened(deal) is None
    deal_of(deal).update(stage="lost")
    run()
    assert happened(deal) is True
    assert sentences(deal)[-1].startswith("Waited until: Stage changes to Won or Lost. It happened")


@pytest.mark.parametrize(
    ("slug", "values", "others", "fitting"),
    [
        ("amount", [5000, 7000.5], {"amount": 5001}, {"amount": 7000.5}),
        ("name", ["Big deal"], {"name": "big"}, {"name": "BIG DEAL"}),
        ("close_date", ["2027-05-01"], {"close_date": dt.date(2027, 5, 2)}, {"close_date": dt.date(2027, 5, 1)}),
        ("owner", ["amy"], {"owner": "ben"}, {"owner": "amy"}),
    ],
)
def test_values_of_every_kind_are_told_apart(slug, values, others, fitting):
    users = {name: User.objects.create(username=name) for name in ("amy", "ben")}
    _workflow, (deal,) = waiting(event="property_changed", property=slug, values=values)
    deal_of(deal).update(**{key: users.get(value, value) for key, value in others.items()})
    run()
    assert happened(deal) is None
    deal_of(deal).update(**{key: users.get(value, value) for key, value in fitting.items()})
    run()
    assert happened(deal) is True


@pytest.mark.covers("DLY-08")
def test_what_happened_before_the_record_came_to_the_delay_does_not_count():
    deal = Deal.objects.create(name="D")
    Deal.objects.update(stage="won")
    workflow = make_workflow([wait(**STAGE)], "deal")
    (enrollment,) = enroll(workflow, [deal.pk], now=database_now())
    Deal.objects.update(stage="lost")
    assert PendingChange.objects.count() == 3, "the dispatcher has not seen them yet"
    run()
    run()
    assert happened(enrollment) is None


@pytest.mark.covers("DLY-08")
def test_what_an_earlier_step_of_the_same_walk_did_does_not_count():
    edit = step("edit", "edit_record", property="stage", value="won")
    _workflow, (deal,) = waiting(1, edit, **STAGE)
    run()
    assert deal_of(deal).get().stage == "won"
    assert happened(deal) is None
    assert StepExecution.objects.filter(enrollment=deal).values("at").distinct().count() == 1, "one transaction"


@pytest.mark.covers("DLY-06", "DLY-07")
def test_after_the_longest_wait_the_record_goes_on_and_says_that_it_did_not_happen():
    _workflow, (deal,) = waiting(**STAGE, max_wait={"days": 2})
    deal.refresh_from_db()
    assert deal.due_at == deal.arrived_at + 2 * DAY if deal.arrived_at else deal.due_at
    tick(deal.due_at - dt.timedelta(minutes=1))
    assert happened(deal) is None
    tick(deal.due_at)
    assert happened(deal) is False
    assert sentences(deal) == [
        "Waits until: Stage changes. At most 2 days",
        "Waited until: Stage changes. It did not happen within 2 days",
    ]
    assert broken_promises() == {}


@pytest.mark.covers("DLY-06")
def test_what_happened_in_time_counts_although_it_was_not_dispatched_before_the_wait_ended():
    from workflows.engine.taking_steps import run_due

    _workflow, (deal,) = waiting(**STAGE, max_wait={"minutes": 5})
    deal_of(deal).update(stage="won")
    deal.refresh_from_db()
    run_due(deal.due_at)
    assert happened(deal) is True


@pytest.mark.covers("DLY-07")
def test_a_value_branch_goes_by_whether_it_happened():
    branch = step(
        "split", "value_branch",
        [
            {"name": "Yes", "values": [True], "steps": [step("yes", "edit_record", property="name", value="Yes")]},
            {"name": "No", "steps": [step("no", "edit_record", property="name", value="No")]},
        ],
        output="wait.happened",
    )  # fmt: skip
    made = Deal.objects.bulk_create(Deal(name=f"D{n}") for n in range(2))
    workflow = make_workflow([wait(**STAGE, max_wait={"hours": 1}), branch], "deal")
    enrollments = enroll(workflow, [deal.pk for deal in made], now=database_now())
    run()
    deal_of(enrollments[0]).update(stage="won")
    run()
    tick(database_now() + DAY)
    assert list(Deal.objects.order_by("pk").values_list("name", flat=True)) == ["Yes", "No"]


@pytest.mark.covers("DLY-05")
def test_a_record_waits_until_a_task_of_it_is_completed():
    _workflow, (first, second) = waiting(2, event="task_completed")
    before = Task.objects.create(title="Of nobody")
    task = task_for(first)
    run()
    Task.objects.filter(pk=before.pk).update(status="done")
    Task.objects.filter(pk=task.pk).update(priority="high")
    run()
    assert happened(first) is None
    Task.objects.filter(pk=task.pk).update(status="done")
    run()
    assert [happened(first), happened(second)] == [True, None]


def test_one_task_of_several_records_lets_all_of_them_go_on():
    _workflow, enrollments = waiting(3, event="task_completed")
    task = task_for(enrollments[0])
    associate("deal", "task", [(found.record_id, task.pk) for found in enrollments[:2]])
    for number in range(3):
        task_for(enrollments[2], title=str(number))
    run()
    Task.objects.update(status="done")
    run()
    assert [happened(found) for found in enrollments] == [True, True, True]


@pytest.mark.covers("DLY-05")
def test_a_record_waits_until_another_one_is_created_for_it():
    older = Note.objects.create(body="Older")
    _workflow, (deal,) = waiting(event="associated_record_created", object="note")
    task_for(deal)
    associate("deal", "note", [(deal.record_id, older.pk)])
    run()
    assert happened(deal) is None, "the note was there before"
    newer = Note.objects.create(body="Newer")
    run()
    assert happened(deal) is None, "the note is not the deal's"
    associate("deal", "note", [(deal.record_id, newer.pk)])
    run()
    assert happened(deal) is True


def test_a_record_waits_until_it_is_associated_or_no_longer_is():
    note = Note.objects.create(body="N")
    _workflow, (made,) = waiting(event="record_associated", object="note")
    _workflow, (removed,) = waiting(event="record_unassociated", object="note")
    associate("deal", "note", [(deal.record_id, note.pk) for deal in (made, removed)])
    run()
    assert [happened(made), happened(removed)] == [True, None]
    dissociate("deal", "note", [(removed.record_id, note.pk)])
    run()
    assert happened(removed) is True


@pytest.mark.covers("DLY-05", "DLY-08")
def test_a_record_waits_until_it_has_completed_another_workflow():
    other = make_workflow([step("x", "end")], "deal")
    Workflow.objects.update(name="Greeting")
    deals = [deal.pk for deal in Deal.objects.bulk_create(Deal(name=f"D{n}") for n in range(2))]
    enroll(other, deals[:1], now=database_now())
    run()
    workflow = make_workflow([wait(event="workflow_completed", workflow=str(other.pk))], "deal")
    first, second = enroll(workflow, deals, now=database_now())
    run()
    assert [happened(first), happened(second)] == [None, None], "completed before"
    enroll(other, deals, now=database_now())
    run()
    assert [happened(first), happened(second)] == [True, True]
    assert "completes the workflow Greeting. It happened" in sentences(first)[-1]


def test_a_workflow_completed_beside_a_wait_nobody_could_see_is_found_later():
    other = make_workflow([step("x", "end")], "deal")
    _workflow, (deal,) = waiting(event="workflow_completed", workflow=str(other.pk))
    (beside,) = enroll(other, [deal.record_id], now=database_now())
    # As the transaction that completes it would have left it, had it begun before the wait was committed.
    Enrollment.objects.filter(pk=beside.pk).update(status="completed", step="", due_at=None, ended_at=database_now())
    run()
    assert happened(deal) is None
    assert EventWait.objects.get().check_at > database_now() + dt.timedelta(seconds=50)
    EventWait.objects.update(check_at=database_now())
    run()
    assert happened(deal) is True


def test_records_of_another_project_wait_for_what_comes_by_a_foreign_key():
    town, village = Library.objects.create(name="Town"), Library.objects.create(name="Village")
    workflow = make_workflow([wait(event="associated_record_created", object="book")], "library")
    first, second = enroll(workflow, [town.pk, village.pk], now=database_now())
    run()
    elsewhere = Book.objects.create(title="B", library=None)
    run()
    assert [happened(first), happened(second)] == [None, None]
    Book.objects.create(title="A", library=village)
    run()
    assert [happened(first), happened(second)] == [None, True]
    Book.objects.filter(pk=elsewhere.pk).update(library=town)
    run()
    assert happened(first) is True


def test_who_waits_is_let_go_although_what_it_waits_for_cannot_be_chosen_any_more():
    other = make_workflow([step("x", "end")], "deal")
    workflow, (deal,) = waiting(event="workflow_completed", workflow=str(other.pk), max_wait={"hours": 1})
    Workflow.objects.filter(pk=other.pk).update(deleted_at=database_now())
    (late,) = enroll(workflow, [Deal.objects.create(name="Late").pk], now=database_now())
    run()
    late.refresh_from_db()
    assert (late.status, late.outputs) == ("completed", {})
    line = StepExecution.objects.get(enrollment=late)
    assert (line.outcome, line.detail["reason"]) == ("failed", "invalid_params")
    tick(database_now() + DAY)
    assert happened(deal) is False
    assert sentences(deal)[-1].endswith("It did not happen within 1 hour")
    assert broken_promises() == {}


def test_nobody_waits_after_leaving_by_whatever_way():
    _workflow, enrollments = waiting(3, **STAGE)
    unenroll(Enrollment.objects.filter(pk=enrollments[0].pk), reason="by_hand", by=None, now=database_now())
    deal_of(enrollments[1]).update(deleted_at=database_now())
    run()
    assert list(EventWait.objects.values_list("enrollment", flat=True)) == [enrollments[2].pk]
    Enrollment.objects.filter(pk=enrollments[2].pk).update(step="elsewhere", waiting_in="")
    assert not EventWait.objects.exists()


def published(steps):
    workflow = drafting.create("Test", "deal", boss(), {**MANUAL, "steps": steps})
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False)
    return workflow


def publish(workflow, steps, **options):
    draft = drafting.shown(workflow)
    drafting.replace(workflow, {**MANUAL, "steps": steps}, draft.rev, user=boss(), now=database_now())
    publishing.publish(workflow, by=boss(), now=database_now(), enroll_existing=False, **options)


def test_a_workflow_that_is_turned_off_still_waits():
    workflow = published([wait(**STAGE)])
    (enrollment,) = enroll(workflow, [Deal.objects.create(name="D").pk], now=database_now())
    run()
    switching.turn_off(workflow, by=boss(), now=database_now())
    Deal.objects.update(stage="won")
    run()
    assert happened(enrollment) is True


@pytest.mark.covers("DLY-08", "DLY-16")
def test_a_delay_that_is_published_anew_waits_for_the_new_thing_since_the_record_came_to_it():
    workflow = published([wait(**STAGE)])
    first = Deal.objects.create(name="D")
    (enrollment,) = enroll(workflow, [first.pk], now=database_now())
    run()
    mark = EventWait.objects.get().mark
    Deal.objects.update(amount=7)
    run()
    publish(workflow, [wait(event="property_changed", property="amount", values=[9])], delays="recompute")
    run()
    renewed = EventWait.objects.get()
    assert (renewed.wanted["property"], renewed.mark) == ("amount", mark), "it came to the delay only once"
    Deal.objects.update(stage="won")
    run()
    assert happened(enrollment) is None
    Deal.objects.update(amount=9)
    run()
    assert happened(enrollment) is True


@pytest.mark.covers("DLY-16")
def test_a_delay_that_is_published_anew_may_keep_whom_it_holds_waiting_as_they_did():
    workflow = published([wait(**STAGE)])
    (enrollment,) = enroll(workflow, [Deal.objects.create(name="D").pk], now=database_now())
    run()
    publish(workflow, [wait(event="property_changed", property="amount")], delays="keep")
    Deal.objects.update(amount=9)
    run()
    assert happened(enrollment) is None
    Deal.objects.update(stage="won")
    run()
    assert happened(enrollment) is True


def test_a_step_that_is_removed_or_becomes_another_one_leaves_nobody_waiting():
    after = step("after", "edit_record", property="name", value="After")
    workflow = published([wait(**STAGE), after])
    (enrollment,) = enroll(workflow, [Deal.objects.create(name="D").pk], now=database_now())
    run()
    publish(workflow, [step("wait", "delay", days=2), after])
    assert not EventWait.objects.exists()
    run()
    enrollment.refresh_from_db()
    assert enrollment.due_at > database_now() + DAY
    publish(workflow, [wait(**STAGE), after])
    run()
    assert EventWait.objects.count() == 1
    publish(workflow, [after], orphans={"wait": "after"})
    assert not EventWait.objects.exists()
    run()
    assert Deal.objects.get().name == "After"
    assert broken_promises() == {}


def test_a_wait_nobody_can_read_any_more_keeps_nobody_else_waiting(caplog):
    _workflow, (poor, *others) = waiting(5, **STAGE)
    run()
    EventWait.objects.filter(enrollment=poor).update(wanted={})
    Deal.objects.update(stage="won")
    run()
    assert [happened(found) for found in others] == [True] * 4
    assert happened(poor) is None
    assert f"Whether enrollment {poor.pk} may go on (property_changed) cannot be told" in caplog.text
    assert EventWait.objects.get().check_at > database_now(), "it is looked at again"


def test_changes_cost_two_cheap_statements_while_nobody_waits_and_few_while_thousands_do():
    Deal.objects.bulk_create(Deal(name=f"D{n}") for n in range(1_000))
    pending = list(PendingChange.objects.all())
    now = database_now()
    with CaptureQueriesContext(connection) as idle:
        assert occurrences.look(pending, now) == 0
    assert len(idle) == 2, [query["sql"] for query in idle]
    waiting(3_000, **STAGE)
    while dispatch(database_now(), 5_000):
        pass
    counts = []
    for size in (1, 1_000):
        ids = list(Enrollment.objects.filter(due_at=None).values_list("record_id", flat=True)[:size])
        Deal.objects.filter(pk__in=ids).update(stage=f"s{size}")
        pending = list(PendingChange.objects.all())
        with CaptureQueriesContext(connection) as captured:
            occurrences.look(pending, now)
        counts.append(len(captured))
        assert EventWait.objects.exclude(happened_at=None).count() == (1 if size == 1 else 1_001)
        PendingChange.objects.all().delete()
    assert counts[0] == counts[1] <= 10


@pytest.mark.covers("CRM-15")
def test_a_task_of_an_earlier_step_is_waited_for_and_what_became_of_it_decides_the_way():
    made = [Deal.objects.create(name=name) for name in ("Called", "Forgotten", "Skipped")]
    done = {"association": "task", "all": [{"property": "status", "operator": "is_any_of", "value": ["done"]}]}
    ways = [
        {"name": "Done", "criteria": {"all": [done]}, "steps": [
            step("yes", "edit_record", property="name", value="{{ deal.name }}: done"),
        ]},
        {"name": "Not", "steps": [step("no", "edit_record", property="name", value="{{ deal.name }}: open")]},
    ]  # fmt: skip
    call = step("call", "create_task", title="Call {{ deal.name }}", due={"days": 1})
    waits = wait(event="task_completed", max_wait={"days": 3})
    workflow = make_workflow([call, waits, step("split", "branch", ways)], "deal")
    start = database_now()
    enroll(workflow, [deal.pk for deal in made], now=start)
    run()
    assert sorted(Task.objects.values_list("title", flat=True)) == ["Call Called", "Call Forgotten", "Call Skipped"]
    Task.objects.filter(title="Call Called").update(status="done")
    run()
    assert sorted(Deal.objects.values_list("name", flat=True)) == ["Called: done", "Forgotten", "Skipped"]
    Task.objects.filter(title="Call Skipped").update(deleted_at=database_now())
    tick(start + 3 * DAY + dt.timedelta(minutes=1))
    assert sorted(Deal.objects.values_list("name", flat=True)) == ["Called: done", "Forgotten: open", "Skipped: open"]
