"""The engine takes enrollments through their steps, each exactly once."""

from __future__ import annotations

import datetime as dt

import pytest

from crm.models import Contact
from records.models import Change
from tests.workflows.building import NOW, enroll, log_of, make_workflow, outcomes, step
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution

pytestmark = pytest.mark.django_db


def contacts(count, **values):
    return [
        contact.pk
        for contact in Contact.objects.bulk_create(
            Contact(email=f"person{i}@example.com", first_name=f"P{i}", **values) for i in range(count)
        )
    ]


def run_all(now=NOW):
    done = 0
    while count := run_due(now):
        done += count
    return done


SET = step("set", "edit_record", property="city", value="Malmö")
ADD = step("add", "change_number", property="lead_score", by=5)


@pytest.mark.covers("CRM-20")
def test_consecutive_steps_are_done_in_one_go_and_the_record_completes():
    [pk] = contacts(1)
    [enrollment] = enroll(make_workflow([SET, ADD, step("end", "end")]), [pk])
    assert run_due(NOW) == 3
    enrollment.refresh_from_db()
    contact = Contact.objects.get(pk=pk)
    assert (contact.city, contact.lead_score) == ("Malmö", 5)
    assert (enrollment.status, enrollment.step, enrollment.ended_reason) == ("completed", "", "completed")
    assert enrollment.ended_at == NOW and enrollment.claim is None and enrollment.due_at is None
    assert log_of(enrollment) == [("set", "success"), ("add", "success"), ("end", "success")]
    assert run_due(NOW) == 0


@pytest.mark.covers("DLY-09")
def test_a_delay_holds_the_record_until_it_is_over():
    [pk] = contacts(1)
    [enrollment] = enroll(make_workflow([step("wait", "delay", days=1, hours=2), SET]), [pk])
    run_all()
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.step) == ("active", "wait")
    assert enrollment.due_at == NOW + dt.timedelta(days=1, hours=2)
    assert run_all(NOW + dt.timedelta(days=1)) == 0
    run_all(NOW + dt.timedelta(days=1, hours=2))
    enrollment.refresh_from_db()
    assert enrollment.status == "completed"
    assert log_of(enrollment) == [("wait", "waiting"), ("wait", "success"), ("set", "success")]


@pytest.mark.covers("BRN-04", "BRN-06", "BRN-07", "BRN-10")
def test_the_first_branch_that_matches_takes_the_record_and_paths_meet_again():
    ids = contacts(30)
    Contact.objects.filter(pk__in=ids[:10]).update(country="Sweden")
    Contact.objects.filter(pk__in=ids[10:15]).update(country="Norway")

    def way(name, country):
        found = {"name": name, "steps": [step(name, "edit_record", property="job_title", value=name)]}
        if country:
            leaf = {"property": "country", "operator": "is_equal_to_any_of", "value": [country]}
            found["criteria"] = {"all": [leaf]}
        return found

    # Written by an earlier step of the same run: the branch sees it.
    first = step("move", "edit_record", property="city", value="Oslo")
    branching = step(
        "split", "branch", [way("north", "Sweden"), way("again", "Sweden"), way("west", "Norway"), way("other", "")]
    )
    workflow = make_workflow([first, branching, ADD])
    enroll(workflow, ids)
    run_all()
    titles = list(Contact.objects.order_by("pk").values_list("job_title", flat=True))
    assert titles == ["north"] * 10 + ["west"] * 5 + ["other"] * 15
    assert outcomes(workflow)[("add", "success")] == 30
    assert ("again", "success") not in outcomes(workflow)


@pytest.mark.covers("BRN-14", "LIF-02")
def test_a_workflow_that_is_off_skips_what_acts_but_delays_and_branches():
    [pk] = contacts(1)
    otherwise = {"name": "All", "steps": [SET]}
    workflow = make_workflow(
        [step("wait", "delay", minutes=1), step("split", "branch", [otherwise]), ADD], status="off"
    )
    [enrollment] = enroll(workflow, [pk])
    run_all()
    run_all(NOW + dt.timedelta(minutes=1))
    assert log_of(enrollment) == [
        ("wait", "waiting"), ("wait", "success"), ("split", "success"), ("set", "skipped"), ("add", "skipped"),
    ]  # fmt: skip
    contact = Contact.objects.get(pk=pk)
    assert (contact.city, contact.lead_score) == ("", None)


def test_a_paused_workflow_keeps_its_records_where_they_are():
    workflow = make_workflow([SET], status="paused")
    enroll(workflow, contacts(1))
    assert run_due(NOW) == 0


@pytest.mark.covers("UNE-09")
def test_enrollments_of_deleted_records_end():
    soft, hard, alive = contacts(3)
    made = enroll(make_workflow([SET]), [soft, hard, alive])
    Contact.objects.filter(pk=soft).update(deleted_at=NOW)
    Contact.objects.filter(pk=hard).delete()
    run_all()
    ends = list(Enrollment.objects.order_by("pk").values_list("status", "ended_reason"))
    assert ends == [("unenrolled", "record_deleted")] * 2 + [("completed", "completed")]
    assert log_of(made[0]) == []


@pytest.mark.covers("ACG-12")
def test_a_poisonous_record_fails_alone_among_a_thousand_and_goes_on():
    ids = contacts(1_000)
    Contact.objects.filter(pk=ids[77]).update(custom={"seats": "many"})
    workflow = make_workflow([ADD, step("seats", "change_number", property="seats", by=1), SET])
    from records.models import PropertyDefinition

    PropertyDefinition.objects.create(object_type="contact", slug="seats", label="Seats", type="number")
    made = enroll(workflow, ids)
    run_all()
    found = outcomes(workflow)
    assert found[("add", "success")] == 1_000 and found[("set", "success")] == 1_000
    assert found[("seats", "success")] == 999 and found[("seats", "failed")] == 1
    assert log_of(made[77]) == [("add", "success"), ("seats", "failed"), ("set", "success")]
    assert Contact.objects.filter(lead_score=5, custom__seats=1).count() == 999


def test_changes_of_a_step_carry_the_chain_one_deeper_than_what_enrolled():
    ids = contacts(3)
    workflow = make_workflow([SET])
    enroll(workflow, ids[:2], depth=2, chain=[7, 8])
    enroll(workflow, ids[2:])
    run_all()
    changes = {change.record_id: change for change in Change.objects.filter(object_type="contact", kind="updated")}
    assert [changes[pk].depth for pk in ids] == [3, 3, 1]
    source = changes[ids[0]].source
    assert source["kind"] == "workflow" and source["chain"] == [7, 8, workflow.pk] and source["step"] == "set"


def test_three_claims_without_a_result_end_the_enrollment():
    [pk] = contacts(1)
    [enrollment] = enroll(make_workflow([SET]), [pk])
    Enrollment.objects.update(attempts=3)
    run_all()
    enrollment.refresh_from_db()
    assert (enrollment.status, enrollment.ended_reason) == ("failed", "crashed")
    assert log_of(enrollment) == [("set", "failed")]
    assert Contact.objects.get(pk=pk).city == ""


def test_what_crashed_once_is_claimed_in_smaller_parts():
    enroll(make_workflow([step("wait", "delay", days=1)]), contacts(30))
    Enrollment.objects.update(attempts=1)
    assert run_due(NOW, limit=100) == 10
    Enrollment.objects.filter(attempts=1).update(attempts=2)
    assert run_due(NOW, limit=100) == 1


def test_an_enrollment_taken_away_meanwhile_is_left_alone():
    from workflows.engine import claiming, taking_steps

    ids = contacts(2)
    made = enroll(make_workflow([SET]), ids)
    claim = claiming.claim(NOW, 10)
    Enrollment.objects.filter(pk=made[0].pk).update(status="unenrolled", step="", due_at=None)
    assert taking_steps.execute(claim, NOW) == 1
    assert [Contact.objects.get(pk=pk).city for pk in ids] == ["", "Malmö"]
    # A zombie that wakes up later finds nothing that is its own.
    assert taking_steps.execute(claim, NOW) == 0
    assert StepExecution.objects.filter(enrollment__in=made).count() == 1


def test_a_lease_that_has_not_ended_keeps_others_away():
    from workflows.engine import claiming

    enroll(make_workflow([SET]), contacts(2))
    assert claiming.claim(NOW, 10).count == 2
    assert claiming.claim(NOW, 10) is None
    Enrollment.objects.update(claimed_until=NOW - dt.timedelta(days=900))
    assert claiming.recover(NOW) == 2
    assert claiming.claim(NOW, 10) is not None


@pytest.mark.covers("GTO-06", "GTO-09")
def test_go_to_continues_in_another_branch():
    ids = contacts(4)
    Contact.objects.filter(pk__in=ids[:2]).update(country="Sweden")
    sweden = {"all": [{"property": "country", "operator": "is_equal_to_any_of", "value": ["Sweden"]}]}
    branches = [
        {"name": "Sweden", "criteria": sweden, "steps": [ADD, step("jump", "go_to", step="set")]},
        {"name": "Otherwise", "steps": [SET]},
    ]
    workflow = make_workflow([step("split", "branch", branches)])
    enroll(workflow, ids)
    run_all()
    assert Contact.objects.filter(city="Malmö").count() == 4
    assert outcomes(workflow)[("set", "success")] == 4
