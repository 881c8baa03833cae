"""The traps of the specification's section 31: what an implementer would get wrong, a readable test each."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Deal
from records.clock import database_now
from records.object_types import object_types
from records.saving import delete_records, restore_records
from tests.workflows.publishing_deals import BIG, boss, change, finish, history, inside, live, settle
from workflows.enrollment.enrolling import enroll
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db

NAMED_A = {"property": "name", "operator": "is_equal_to_any_of", "value": ["A"]}
NAMED_Z = {"property": "name", "operator": "is_equal_to_any_of", "value": ["Z"]}
KNOWN = {"property": "amount", "operator": "is_known"}
ONCE = [("completed", "completed")]


@pytest.fixture
def deal() -> Deal:
    return Deal.objects.create(name="A", amount=1)


def by_hand(workflow: Workflow, deal: Deal) -> Any:
    return enroll(workflow, [deal.pk], cause={"kind": "manual"}, now=database_now(), manual=True)


@pytest.mark.covers("REV-07", "REV-08", "REN-12")
def test_trap_06_without_existing_records_the_first_match_after_turning_on_enrolls_and_a_repeated_one_does_not(deal):
    matching = Deal.objects.create(name="B", amount=99)
    workflow = live(BIG)
    settle()
    assert inside(workflow) == []
    change(deal, amount=50)
    assert inside(workflow) == [deal.pk]
    finish(workflow)
    change(deal, amount=1)
    change(deal, amount=50)
    assert history(workflow, deal) == ONCE
    # It matched when the workflow was turned on and was never inside: for the enrollments this is its first time.
    change(matching, amount=1)
    change(matching, amount=99)
    assert inside(workflow) == [matching.pk]


@pytest.mark.covers("TRG-07")
def test_trap_07_enrolling_by_hand_uses_up_the_one_enrollment(deal):
    workflow = live(BIG)
    by_hand(workflow, deal)
    finish(workflow)
    change(deal, amount=50)
    assert history(workflow, deal) == ONCE


@pytest.mark.covers("REN-06", "REN-07", "REN-10")
def test_trap_08_reenrollment_takes_a_fresh_ticked_filter_all_criteria_now_and_nobody_inside(deal):
    workflow = live(BIG, NAMED_A, reenroll=["any.0.all.0"])
    change(deal, amount=50)
    change(deal, amount=1)
    change(deal, amount=50)  # Inside: dropped, not queued.
    finish(workflow)
    settle()
    assert inside(workflow) == []
    change(deal, name="B")
    change(deal, name="A")  # Met anew, but not ticked.
    assert inside(workflow) == []
    change(deal, amount=1, name="B")
    change(deal, amount=50)  # Ticked and met anew, but the other criterion is not met.
    assert inside(workflow) == []
    change(deal, amount=1, name="A")
    change(deal, amount=50)
    assert inside(workflow) == [deal.pk]


@pytest.mark.covers("REN-08", "EVT-01")
def test_trap_09_a_ticked_is_known_counts_every_change_of_value_and_writing_the_same_value_is_none(deal):
    workflow = live(KNOWN, reenroll=["any.0.all.0"])
    change(deal, amount=2)
    finish(workflow)
    change(deal, amount=2)
    assert inside(workflow) == []
    change(deal, amount=3)
    assert inside(workflow) == [deal.pk]


@pytest.mark.covers("UNE-05", "MAN-06")
def test_trap_15_leaving_the_unenrollment_criteria_enrolls_nobody_and_they_bar_the_hand_too(deal):
    workflow = live(BIG, unenroll={"criteria": {"all": [NAMED_Z]}})
    change(deal, amount=50)
    change(deal, name="Z")
    assert by_hand(workflow, deal).refused == {deal.pk: "enrolled_before"}
    fresh = Deal.objects.create(name="Z", amount=50)
    settle()
    assert by_hand(workflow, fresh).refused == {fresh.pk: "meets_unenrollment"}
    change(deal, name="A")
    change(fresh, name="A")
    assert inside(workflow) == []


@pytest.mark.covers("TRG-22")
def test_trap_24_create_date_is_known_with_existing_records_sweeps_in_everybody(deal):
    others = Deal.objects.bulk_create(Deal(name=str(i)) for i in range(20))
    workflow = live({"property": "created_at", "operator": "is_known"}, existing=True)
    assert len(inside(workflow)) == len(others) + 1


@pytest.mark.covers("UNE-09")
def test_trap_25_a_deleted_record_leaves_for_good_and_restoring_it_resumes_nothing(deal):
    workflow = live(BIG, reenroll=["any.0.all.0"])
    change(deal, amount=50)
    kind = object_types["deal"]
    delete_records(kind, [deal.pk], actor=boss())
    settle()
    assert history(workflow, deal) == [("unenrolled", "record_deleted")]
    restore_records(kind, [deal.pk], actor=boss())
    settle()
    assert inside(workflow) == []
    assert by_hand(workflow, deal).enrolled == [deal.pk]
    assert Enrollment.objects.filter(workflow=workflow, status="active").count() == 1
