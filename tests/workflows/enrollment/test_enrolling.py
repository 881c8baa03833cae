"""Who is enrolled, when, once, and why the others are not."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crm.models import Company, Deal
from records.associations import associate
from records.clock import database_now
from records.journal import change_source
from records.models import PendingChange
from tests.workflows.publishing_deals import (
    BIG,
    boss,
    change,
    draft,
    finish,
    history,
    inside,
    live,
    publish,
    settle,
)
from workflows.enrollment.enrolling import enroll, unenroll
from workflows.intake.dispatching import dispatch
from workflows.lifecycle import publishing, switching
from workflows.models import AuditEntry, Enrollment, SetAside, Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def deals() -> list[Deal]:
    """Two small ones and a big one."""
    return Deal.objects.bulk_create([Deal(name="A", amount=1), Deal(name="B", amount=2), Deal(name="C", amount=99)])


def by_hand(workflow: Workflow, *deals: Deal) -> Any:
    cause = {"kind": "manual", "actor": boss().pk}
    return enroll(workflow, [deal.pk for deal in deals], cause=cause, now=database_now(), manual=True)


@pytest.mark.covers("REV-05", "TRG-02")
def test_enrolling_existing_takes_all_that_match_at_that_moment(deals):
    workflow = draft(BIG)
    found = publishing.review(workflow, user=boss(), now=database_now())
    assert (found.ready, found.matching, found.samples, found.already_enrolled) == (True, 1, [(deals[2].pk, "C")], 0)
    assert found.trigger_text == "When Amount is greater than 10"

    assert publish(workflow, existing=True).enrolled == 1
    settle()
    assert inside(workflow) == [deals[2].pk]
    enrollment = Enrollment.objects.get()
    assert enrollment.cause == {"kind": "existing", "actor": boss().pk, "leaves": "1"}
    assert (enrollment.step, enrollment.due_at) == ("wait", enrollment.enrolled_at)


@pytest.mark.covers("REV-06", "REV-07", "TRG-20", "TRG-22")
def test_without_existing_only_who_begins_to_match_later_is_enrolled(deals):
    workflow = live(BIG)
    settle()
    assert inside(workflow) == []

    change(deals[2], name="still matching", amount=100)
    assert inside(workflow) == []
    change(deals[0], amount=50)
    assert inside(workflow) == [deals[0].pk]
    change(deals[2], amount=1)
    change(deals[2], amount=100)
    assert inside(workflow) == [deals[0].pk, deals[2].pk]
    new = Deal.objects.create(name="new", amount=11)
    settle()
    assert new.pk in inside(workflow)


@pytest.mark.covers("REV-08", "REN-01", "REN-12", "TRG-07", "UNE-10")
def test_a_record_that_matches_again_is_not_enrolled_again(deals):
    workflow = live(BIG)
    change(deals[0], amount=50)
    finish(workflow)
    change(deals[0], amount=1)
    change(deals[0], amount=50)

    assert history(workflow, deals[0]) == [("completed", "completed")]


@pytest.mark.covers("REN-02", "REN-06", "REN-07")
def test_a_ticked_filter_freshly_met_enrolls_again(deals):
    name = {"property": "name", "operator": "is_equal_to_any_of", "value": ["A"]}
    workflow = live(BIG, name, reenroll=["any.0.all.0"])
    change(deals[0], amount=50)
    finish(workflow)
    change(deals[0], amount=60)
    assert inside(workflow) == []

    change(deals[0], amount=1)
    change(deals[0], amount=50)
    assert inside(workflow) == [deals[0].pk]
    finish(workflow)
    change(deals[0], name="Z")
    change(deals[0], name="A")
    assert inside(workflow) == []


@pytest.mark.covers("REN-08", "REN-10")
def test_a_ticked_is_known_enrolls_at_every_change_of_value_but_not_while_inside(deals):
    known = {"property": "amount", "operator": "is_known"}
    workflow = live(known, reenroll=["any.0.all.0"])
    change(deals[0], amount=50)
    change(deals[0], amount=51)
    assert len(history(workflow, deals[0])) == 1
    finish(workflow)
    change(deals[0], amount=52)
    assert inside(workflow) == [deals[0].pk]
    finish(workflow)
    change(deals[0], amount=52, name="no change of the amount")
    assert inside(workflow) == []


@pytest.mark.covers("TRG-07", "TRG-19", "MAN-01", "MAN-07")
def test_enrolling_by_hand_needs_no_match_and_uses_up_the_only_enrollment(deals):
    workflow = live(BIG)
    assert by_hand(workflow, deals[0]).enrolled == [deals[0].pk]
    assert by_hand(workflow, deals[0]).refused == {deals[0].pk: "already_enrolled"}
    finish(workflow)
    change(deals[0], amount=50)
    assert by_hand(workflow, deals[0]).refused == {deals[0].pk: "enrolled_before"}

    refused = [("refused", "already_enrolled"), ("refused", "enrolled_before")]
    assert history(workflow, deals[0]) == [("completed", "completed"), *refused]
    assert AuditEntry.objects.filter(action="enrolled_by_hand", user=boss()).count() == 3


@pytest.mark.covers("MAN-07")
def test_enrolling_by_hand_may_repeat_where_reenrollment_is_on(deals):
    workflow = live(BIG, reenroll=["any.0.all.0"])
    by_hand(workflow, deals[0])
    finish(workflow)
    assert by_hand(workflow, deals[0]).enrolled == [deals[0].pk]


@pytest.mark.covers("TRG-30", "LIF-01")
def test_nothing_enters_a_workflow_that_is_off_and_who_is_inside_stays(deals):
    workflow = live(BIG, existing=True)
    switching.turn_off(workflow, by=boss(), now=database_now())
    change(deals[0], amount=50)
    assert by_hand(workflow, deals[1]).refused == {deals[1].pk: "workflow_off"}
    assert inside(workflow) == [deals[2].pk]

    switching.turn_on(workflow, by=boss(), now=database_now())
    settle()
    change(deals[0], amount=51)
    assert inside(workflow) == [deals[2].pk]
    change(deals[1], amount=51)
    assert inside(workflow) == [deals[1].pk, deals[2].pk]
    turned = AuditEntry.objects.filter(workflow=workflow, action__startswith="turned").order_by("id")
    assert list(turned.values_list("action", "user")) == [("turned_off", boss().pk), ("turned_on", boss().pk)]


@pytest.mark.covers("UNE-09")
def test_deleted_records_leave_and_restoring_does_not_resume(deals):
    workflow = live(BIG, existing=True, reenroll=["any.0.all.0"])
    change(deals[2], deleted_at=timezone.now())
    assert history(workflow, deals[2]) == [("unenrolled", "record_deleted")]
    assert by_hand(workflow, deals[2]).refused == {deals[2].pk: "record_deleted"}
    change(deals[2], deleted_at=None)
    assert inside(workflow) == []
    assert by_hand(workflow, deals[2]).enrolled == [deals[2].pk]


@pytest.mark.covers("UNE-06", "MAN-08")
def test_who_no_longer_matches_leaves_if_the_workflow_says_so(deals):
    keeping = live(BIG, existing=True)
    workflow = live(BIG, existing=True, unenroll={"when_no_longer_matching": True})
    assert by_hand(workflow, deals[0]).refused == {deals[0].pk: "not_matching"}
    change(deals[2], amount=1)

    assert history(workflow, deals[2]) == [("unenrolled", "no_longer_matching")]
    assert inside(keeping) == [deals[2].pk]


def test_a_change_of_an_associated_record_enrolls(deals):
    company = Company.objects.create(name="X")
    associate("deal", "company", [(deals[0].pk, company.pk)])
    city = {"property": "city", "operator": "is_equal_to_any_of", "value": ["Kiruna"]}
    workflow = live({"association": "company", "all": [city]})
    Company.objects.update(city="Kiruna")
    settle()
    assert inside(workflow) == [deals[0].pk]
    assert Enrollment.objects.get().cause["leaves"] == "11"


def test_workflows_that_cause_each_other_without_end_are_stopped(deals):
    workflow = live(BIG)
    with change_source("workflow", depth=21, workflow=99, chain=[99]):
        Deal.objects.filter(pk=deals[0].pk).update(amount=50)
    with change_source("workflow", depth=4, workflow=workflow.pk, chain=[workflow.pk] * 3):
        Deal.objects.filter(pk=deals[1].pk).update(amount=50)
    settle()
    assert inside(workflow) == []
    assert history(workflow, deals[0]) == history(workflow, deals[1]) == [("refused", "loop")]


def test_unenrolling_takes_the_claim_away(deals):
    workflow = live(BIG, existing=True)
    rows = Enrollment.objects.filter(workflow=workflow)
    rows.update(claim="3b241101-e2bb-4255-8caf-4136c566a962", claimed_until=database_now())

    assert unenroll(rows, reason="by_hand", by=boss(), now=database_now()) == 1
    assert unenroll(rows, reason="by_hand", by=boss(), now=database_now()) == 0
    ended = rows.get()
    assert (ended.status, ended.ended_reason, ended.claim, ended.step) == ("unenrolled", "by_hand", None, "")
    assert ended.cause["ended_by"] == boss().pk


def test_dispatching_takes_the_same_statements_for_one_and_for_many(deals, django_assert_max_num_queries):
    workflow = live(BIG)
    settle()
    for count in (1, 300):
        Deal.objects.bulk_create(Deal(name=str(i), amount=50) for i in range(count))
        with django_assert_max_num_queries(28):
            assert dispatch(database_now()) == count
    assert len(inside(workflow)) == 301
    with django_assert_max_num_queries(4):
        assert dispatch(database_now()) == 0


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_and_a_hand_enroll_each_record_once():
    workflow = live(BIG)
    settle()
    deals = Deal.objects.bulk_create(Deal(name=str(i), amount=1) for i in range(200))
    Deal.objects.filter(pk__in=[deal.pk for deal in deals]).update(amount=50)
    taken: list[int] = []
    errors: list[Exception] = []

    def work(verb: Any) -> None:
        try:
            taken.append(verb())
        except Exception as error:  # noqa: BLE001 - whatever happens in a thread has to fail the test
            errors.append(error)
        finally:
            connection.close()

    def dispatch_all() -> int:
        return sum(iter(lambda: dispatch(database_now(), limit=30), 0))

    def hand() -> int:
        return len(by_hand(workflow, *deals).enrolled)

    threads = [threading.Thread(target=work, args=(verb,)) for verb in (dispatch_all, dispatch_all, hand)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    assert inside(workflow) == sorted(deal.pk for deal in deals)
    assert Enrollment.objects.filter(workflow=workflow).exclude(status="refused").count() == 200
    assert not PendingChange.objects.exists()


def test_a_dispatch_that_fails_loses_nothing(deals):
    workflow = live(BIG)
    settle()
    Deal.objects.filter(pk=deals[0].pk).update(amount=50)
    Enrollment.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE workflows_enrollment ADD CONSTRAINT broken CHECK (record_id < 0) NOT VALID")
    dispatch(database_now())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE workflows_enrollment DROP CONSTRAINT broken")
    assert inside(workflow) == [] and SetAside.objects.get().record_id == deals[0].pk
    dispatch(database_now() + dt.timedelta(minutes=1))
    assert inside(workflow) == [deals[0].pk] and not SetAside.objects.exists()


def test_dispatching_keeps_to_its_limit_when_the_planner_thinks_that_nothing_waits(deals):
    settle()
    Deal.objects.bulk_create(Deal(name=str(i)) for i in range(200))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM records_pendingchange; ANALYZE records_pendingchange")
    Deal.objects.bulk_create(Deal(name=str(i)) for i in range(200))
    assert dispatch(database_now(), limit=50) == 50
    assert PendingChange.objects.count() == 150
