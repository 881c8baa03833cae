"""Workers take turns between workflows, leave paused ones alone, and count only those who were not heard of again."""

from __future__ import annotations

import datetime as dt
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from records.clock import database_now
from tests import plans
from tests.workflows.building import NOW, enroll, make_workflow, step
from workflows.engine import claiming, taking_steps
from workflows.engine.waiting import look
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db
WAIT = [step("wait", "delay", days=1)]
LATER = NOW + dt.timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _nobody_was_served() -> None:
    claiming.ring.served = 0


def holding(count: int, now: dt.datetime = NOW, status: str = "on", first: int = 1) -> Workflow:
    workflow = make_workflow(WAIT, status=status)
    enroll(workflow, range(first, first + count), now=now)
    return workflow


def workflow_of(claim: claiming.Claim | None) -> int:
    assert claim is not None
    [pk] = Enrollment.objects.filter(pk__in=claim.ids).values_list("workflow", flat=True).distinct()
    return pk


def ended_leases(at: dt.datetime | None = None) -> None:
    """As if the time of every claim had run out just now (or at an instant)."""
    Enrollment.objects.filter(claim__isnull=False).update(claimed_until=at or database_now())


def test_ten_records_do_not_wait_for_the_twenty_thousand_that_were_due_before_them() -> None:
    huge = holding(20_000)
    small = holding(10, now=LATER)
    claims = [claiming.claim(LATER, 500) for _ in range(4)]
    assert [workflow_of(claim) for claim in claims] == [huge.pk, small.pk, huge.pk, huge.pk]
    assert claims[1] is not None and claims[1].count == 10


def test_every_workflow_has_its_turn_before_one_has_its_second() -> None:
    workflows = [holding(5).pk for _ in range(6)]
    turns = [workflow_of(claiming.claim(NOW, 2)) for _ in range(12)]
    assert sorted(turns[:6]) == sorted(turns[6:]) == workflows


def test_within_a_workflow_who_has_waited_longest_comes_first() -> None:
    workflow = make_workflow(WAIT)
    late, early = enroll(workflow, [1], now=LATER), enroll(workflow, [2], now=NOW)
    claims = [claiming.claim(LATER, 1) for _ in range(2)]
    assert [claim.ids[0] for claim in claims if claim] == [early[0].pk, late[0].pk]


def test_the_worker_kept_for_fresh_changes_takes_what_became_due_last() -> None:
    holding(500)
    small = holding(1, now=LATER)
    assert workflow_of(claiming.claim(LATER, 100, freshest=True)) == small.pk
    assert claiming.claim(LATER, 100, freshest=True) is not None, "then it helps with the others"


def test_a_paused_workflow_has_nothing_due_and_keeps_nobody_waiting() -> None:
    held = holding(3_000, status="paused")
    assert look().steps is None
    assert claiming.claim(NOW, 10) is claiming.claim(NOW, 10, freshest=True) is None
    small = holding(1, now=LATER)
    assert workflow_of(claiming.claim(LATER, 10)) == small.pk
    Workflow.objects.filter(pk=held.pk).update(status="on")
    assert workflow_of(claiming.claim(LATER, 10)) == held.pk


def test_looking_and_claiming_look_at_few_rows_however_many_are_due() -> None:
    past = database_now() - dt.timedelta(hours=1)
    for _ in range(3):
        holding(4_000, now=past)
    holding(20_000, now=past, status="paused")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_enrollment")
    for job, rows in ((look, 10), (lambda: claiming.claim(database_now(), 100), 320)):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            job()
        seen = 0
        with connection.cursor() as cursor:
            for query in asked.captured_queries:
                if re.match(r"\s*(SELECT|UPDATE|WITH)", query["sql"]):
                    Enrollment.objects.update(claim=None, claimed_until=None)
                    cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"])
                    seen += plans.looked_at(cursor.fetchone()[0][0]["Plan"], "workflows_enrollment")
        assert 0 < seen <= rows, seen


def test_a_claim_counts_in_vain_only_when_its_lease_ran_out() -> None:
    holding(4)
    first = claiming.claim(NOW, 10)
    assert first is not None
    claiming.release(first, dt.timedelta())
    assert claiming.claim(NOW, 10) is not None
    assert set(Enrollment.objects.values_list("attempts", flat=True)) == {0}
    ended_leases()
    assert claiming.claim(NOW, 10) is not None
    assert list(Enrollment.objects.order_by("-attempts").values_list("attempts", flat=True)) == [1, 0, 0, 0]


def test_recovering_counts_as_claiming_would_have() -> None:
    holding(2)
    claiming.claim(NOW, 10)
    ended_leases()
    assert (claiming.recover(NOW), claiming.recover(NOW)) == (2, 0)
    assert set(Enrollment.objects.values_list("attempts", "claim")) == {(1, None)}


def test_claims_from_before_the_database_was_started_do_not_count() -> None:
    holding(3)
    claiming.claim(NOW, 10)
    ended_leases(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    found = claiming.claim(NOW, 10)
    assert found is not None and found.count == 3 and not found.crashed
    assert set(Enrollment.objects.values_list("attempts", flat=True)) == {0}


def test_what_was_claimed_three_times_in_vain_is_given_up() -> None:
    holding(1)
    found = []
    for _ in range(4):
        found.append(claiming.claim(NOW, 10))
        ended_leases()
    assert [claim.crashed for claim in found if claim] == [False, False, False, True]


def test_parts_of_what_was_claimed_in_vain_are_found_in_front_of_many_others() -> None:
    holding(200)
    claiming.claim(NOW, 200)
    ended_leases()
    enroll(Workflow.objects.get(), range(1_000, 3_000), now=NOW + dt.timedelta(seconds=1))
    sizes = []
    while (claim := claiming.claim(LATER, 200)) and sum(sizes) < 200:
        sizes.append(claim.count)
    assert sizes == [20] * 10


@pytest.mark.django_db(transaction=True)
def test_eight_workers_share_the_work_without_waiting_for_each_other() -> None:
    for _ in range(3):
        holding(400, now=database_now())
    gate = threading.Barrier(8)

    def work() -> int:
        done = 0
        try:
            gate.wait(timeout=60)
            while steps := taking_steps.run_due(database_now(), 50):
                done += steps
            return done
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        done = [future.result(timeout=120) for future in [pool.submit(work) for _ in range(8)]]
    assert set(Enrollment.objects.values_list("status", "ended_reason")) == {("unenrolled", "record_deleted")}
    assert sum(done) == 1_200


def test_every_index_a_moving_record_is_written_to_has_room() -> None:
    """Making one anew loses it: those that are partial by another status than "active" take no moves."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT c.relname, COALESCE(c.reloptions::text, '') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = 'workflows_enrollment'::regclass
                AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = '((status)::text = ''active''::text)')
        """)
        found = dict(cursor.fetchall())
    assert len(found) >= 6
    assert [name for name, options in found.items() if "fillfactor=50" not in options] == []
