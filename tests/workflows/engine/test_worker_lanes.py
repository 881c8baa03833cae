"""A worker is kept for fresh changes: what is due in bulk is left to the others, who are helped now and then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from django.db import connection
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from records.clock import database_now
from tests.workflows.building import enroll, make_workflow, step
from workflows import chores, doorbell, jobs
from workflows.engine import claiming
from workflows.models import Enrollment, Workflow

pytestmark = pytest.mark.django_db(transaction=True)
SET = [step("set", "edit_record", property="city", value="Malmö")]
BULK, BATCH = 350, jobs.SIZES["high"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    doorbell.client().flushdb()
    claiming.ring.served, jobs.helped["at"] = 0, 0.0
    yield
    doorbell.client().flushdb()


@pytest.fixture
def bulk() -> Workflow:
    """Much that has been due for a minute."""
    workflow = make_workflow([step("wait", "delay", days=1)])
    enroll(workflow, contacts(BULK), now=database_now() - dt.timedelta(minutes=1))
    return workflow


def contacts(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_contact (email) SELECT gen_random_uuid() || '@example.com' "
            "FROM generate_series(1, %s) RETURNING id",
            [count],
        )
        return [pk for (pk,) in cursor.fetchall()]


@pytest.fixture
def others() -> Iterator[None]:
    """A worker that has signed up for what is done in bulk."""
    connection.ensure_connection()
    queue = Queue("bulk", connection=doorbell.client(), serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=doorbell.client(), serializer=JSONSerializer)
    worker.register_birth()
    yield
    worker.register_death()


def untouched(workflow: Workflow) -> int:
    return Enrollment.objects.filter(workflow=workflow, waiting_in="").count()


def rung(lane: str) -> int:
    return Queue(lane, connection=doorbell.client(), serializer=JSONSerializer).count


@pytest.mark.covers("CPL-13")
@pytest.mark.usefixtures("others")
def test_fresh_changes_are_seen_to_while_the_others_do_what_is_due_in_bulk(bulk: Workflow) -> None:
    jobs.pump("high")
    assert untouched(bulk) == BULK - BATCH, "it helps with one batch"
    assert rung("bulk") == 1
    fresh = make_workflow(SET)
    enroll(fresh, contacts(1), now=database_now())
    jobs.pump("high")
    assert Enrollment.objects.get(workflow=fresh).status == "completed"
    assert untouched(bulk) == BULK - BATCH, "and with no other before a while has passed"
    jobs.pump("bulk")
    assert untouched(bulk) == 0


def test_where_nobody_else_works_it_does_everything(bulk: Workflow) -> None:
    assert not doorbell.attended("bulk")
    jobs.pump("high")
    assert untouched(bulk) == 0


def test_a_worker_that_died_without_a_word_does_not_count() -> None:
    queue = Queue("bulk", connection=doorbell.client(), serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=doorbell.client(), serializer=JSONSerializer)
    worker.register_birth()
    assert doorbell.attended("bulk")
    doorbell.client().delete(worker.key)
    assert not doorbell.attended("bulk")


def test_a_chore_that_fails_keeps_no_other_from_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(now: dt.datetime) -> int:
        raise ValueError("poison")

    broken = chores.Chore(lambda now: now, fail)
    monkeypatch.setattr(chores, "chores", [broken, chores.Chore(lambda now: now, lambda now: 3)])
    assert chores.work(database_now()) == 3
