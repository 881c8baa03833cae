"""What a process had claimed when it died is free again when it is started again, and nobody else's is."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection, transaction

from records.clock import database_now
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine import claiming, taking_back, taking_steps
from workflows.models import Enrollment

WAIT = [step("wait", "delay", days=1)]


def claimed_by(name: str, monkeypatch: Any, count: int) -> claiming.Claim:
    monkeypatch.setenv(taking_back.NAME, name)
    claim = claiming.claim(database_now(), count)
    assert claim is not None
    return claim


@pytest.mark.django_db
def test_a_process_that_is_started_again_frees_what_it_had_claimed_at_once(monkeypatch: Any) -> None:
    enroll(make_workflow(WAIT), range(1, 301), now=database_now())
    dead, alive = (claimed_by(name, monkeypatch, 100) for name in ("machine:worker.1", "machine:worker.2"))
    assert claiming.claim(database_now(), 500) is not None
    assert claiming.claim(database_now(), 500) is None
    monkeypatch.setenv(taking_back.NAME, "machine:worker.1")
    assert taking_back.take_back() == 100
    free = Enrollment.objects.filter(claim=None)
    assert set(free.values_list("pk", "attempts")) == {(pk, 1) for pk in dead.ids}
    assert Enrollment.objects.filter(claim=alive.token).count() == 100
    again = claiming.claim(database_now(), 100)
    assert again is not None
    assert set(again.ids) < set(dead.ids), "and in smaller parts, so that what kills workers fails alone"


@pytest.mark.django_db
def test_processes_without_a_name_take_nothing_back(monkeypatch: Any) -> None:
    monkeypatch.delenv(taking_back.NAME, raising=False)
    enroll(make_workflow(WAIT), [1], now=database_now())
    assert claiming.claim(database_now(), 10) is not None
    assert taking_back.take_back() == 0
    assert Enrollment.objects.get().claim is not None


@pytest.mark.django_db
def test_what_was_claimed_last_of_many_is_found_too(monkeypatch: Any) -> None:
    monkeypatch.setattr(taking_back, "SEEN", 20)
    workflow, now = make_workflow(WAIT), database_now()
    for record in range(100):
        enroll(workflow, [record + 1], now=now - dt.timedelta(seconds=record))
    monkeypatch.setenv(taking_back.NAME, "machine:worker.1")
    claim = claiming.claim(database_now(), 10, freshest=True)
    assert claim is not None
    assert taking_back.take_back() == 10


@pytest.mark.django_db(transaction=True)
def test_rows_the_dead_still_hold_are_left_to_their_lease(monkeypatch: Any) -> None:
    enroll(make_workflow(WAIT), [1, 2], now=database_now())
    claimed_by("machine:worker.1", monkeypatch, 10)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Enrollment.objects.select_for_update().get(record_id=1)
                held.set()
                done.wait(timeout=60)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(timeout=60)
    try:
        assert taking_back.take_back() == 1
    finally:
        done.set()
        holder.join(timeout=60)


@pytest.mark.django_db
def test_a_statement_that_was_cancelled_frees_its_batch_and_counts(monkeypatch: Any, settings: Any) -> None:
    settings.WORKFLOW_BATCH_SECONDS = 0.4
    enroll(make_workflow(WAIT), [1, 2], now=database_now())

    def hang(claim: claiming.Claim, now: Any) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '300ms'")
            cursor.execute("SELECT pg_sleep(5)")
        return 0

    monkeypatch.setattr(taking_steps, "execute", hang)
    assert taking_steps.run_due(database_now()) == 2
    assert set(Enrollment.objects.values_list("claim", "attempts")) == {(None, 1)}
