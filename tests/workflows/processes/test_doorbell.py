"""The doorbell only hurries things up: without Redis everything still happens."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from crm.models import Contact
from records import segments
from records.clock import database_now
from records.journal import change_source
from records.models import PendingChange, Segment
from records.object_types import object_types
from tests.workflows.building import enroll, make_workflow, step
from workflows import chores, doorbell, jobs
from workflows.engine.waiting import look
from workflows.models import Enrollment
from workflows.processes.clock import Clock
from workflows.processes.worker import EngineWorker

BORN_LATELY = {"all": [{"property": "created_at", "operator": "is_less_than_days_ago", "value": 30}]}
SET = step("set", "edit_record", property="city", value="Malmö")


@pytest.fixture
def bell(settings):
    """A doorbell nobody has rung."""
    doorbell.client.cache_clear()
    doorbell.breaker = doorbell.Breaker()
    doorbell.client().flushdb()
    yield doorbell
    doorbell.client().flushdb()
    doorbell.client.cache_clear()
    doorbell.breaker = doorbell.Breaker()


class Counting(doorbell.Breaker):
    """The breaker, which also counts how often somebody has waited for Redis in vain."""

    waits = 0

    def failed(self, error):
        self.waits += 1
        super().failed(error)


@pytest.fixture
def no_redis(settings, monkeypatch):
    """A place where no Redis is, left alone for longer than a test takes once nobody has answered."""
    monkeypatch.setattr(doorbell, "OPEN_SECONDS", 600.0)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    doorbell.client.cache_clear()
    doorbell.breaker = Counting()
    yield doorbell.breaker
    doorbell.client.cache_clear()
    doorbell.breaker = doorbell.Breaker()


def queued(lane):
    return Queue(lane, connection=doorbell.client(), serializer=JSONSerializer).count


def take_job(lane):
    """What a worker does first: from then on the job may have looked already."""
    queue = Queue(lane, connection=doorbell.client(), serializer=JSONSerializer)
    assert queue.pop_job_id() is not None


def test_rings_are_one_until_somebody_answers(bell):
    assert all(bell.ring("high") for _time in range(50))
    assert queued("high") == 1
    take_job("high")
    bell.ring("high")
    assert queued("high") == 1


@pytest.mark.django_db(transaction=True)
def test_no_ring_is_lost_however_late_a_change_comes(bell, transactional_db):
    """A change is committed and rung for at every point of a worker's job: each is done by that job or the next."""
    contacts = [Contact.objects.create(email=f"c{i}@example.com") for i in range(3)]
    workflow = make_workflow([SET])
    bell.client().flushdb()

    def change_and_ring(contact):
        enroll(workflow, [contact.pk], now=database_now())
        bell.ring("high")

    change_and_ring(contacts[0])
    change_and_ring(contacts[1])
    take_job("high")
    jobs.pump("high")
    change_and_ring(contacts[2])
    assert queued("high") == 1, "the job that has looked for the last time is not taken for one that will look"
    take_job("high")
    jobs.pump("high")
    assert set(Contact.objects.values_list("city", flat=True)) == {"Malmö"}


@pytest.mark.django_db(transaction=True)
def test_a_job_that_finds_nothing_asks_once(bell, transactional_db, django_assert_num_queries):
    with django_assert_num_queries(1):
        jobs.pump("high")


@pytest.mark.django_db(transaction=True)
def test_the_clock_rings_for_changes_but_not_for_those_of_steps(bell, transactional_db):
    clock = Clock()
    clock.listen()
    try:
        clock.looked_at = time.monotonic() + 60
        with change_source("workflow", workflow=1):
            Contact.objects.bulk_create([Contact(email="a@example.com")])
        clock.beat()
        assert queued("high") == 0, "whoever took the step looks for its changes"
        Contact.objects.update(city="Lund")
        clock.beat()
        assert queued("high") == 1
    finally:
        clock.disconnect()


def test_without_redis_ringing_says_so_quickly_and_soon_without_asking(no_redis):
    assert not any(doorbell.ring() for _time in range(100))
    assert doorbell.breaker.open
    assert no_redis.waits == doorbell.ERRORS_UNTIL_OPEN and doorbell.TIMEOUT < 1, (
        "asked a few times, each for a moment"
    )


@pytest.mark.django_db(transaction=True)
def test_saving_succeeds_while_redis_is_away(no_redis, transactional_db):
    for i in range(10):
        Contact.objects.create(email=f"c{i}@example.com")
    assert Contact.objects.count() == 10
    assert no_redis.waits == doorbell.ERRORS_UNTIL_OPEN


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_hears_the_bell_does_the_work(bell, transactional_db):
    contact = Contact.objects.create(email="a@example.com")
    enroll(make_workflow([SET]), [contact.pk], now=database_now())
    bell.ring("high")
    queue = Queue("high", connection=bell.client(), serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=bell.client(), serializer=JSONSerializer)
    worker.work(burst=True, logging_level="WARNING")
    contact.refresh_from_db()
    assert contact.city == "Malmö"
    assert queue.failed_job_registry.count == 0


@pytest.mark.django_db(transaction=True)
def test_jobs_delivered_many_times_change_nothing(bell, transactional_db):
    contact = Contact.objects.create(email="a@example.com")
    enroll(
        make_workflow([step("add", "change_number", property="lead_score", by=1)]), [contact.pk], now=database_now()
    )
    for _time in range(20):
        jobs.pump("high")
    contact.refresh_from_db()
    assert contact.lead_score == 1


@pytest.fixture
def worker(bell):
    """A worker of the bulk lane that has signed up."""
    found = EngineWorker([Queue("bulk", connection=bell.client())], connection=bell.client())
    found.register_birth()
    return found


def test_a_worker_is_known_again_soon_after_redis_has_forgotten_everything(bell, worker):
    assert doorbell.attended("bulk")
    bell.client().flushdb()
    assert not doorbell.attended("bulk")
    worker.heartbeat()
    assert doorbell.attended("bulk")
    assert bell.client().ttl(worker.key) > 0, "and forgotten again should it die without a word"


@pytest.mark.django_db(transaction=True)
def test_the_clock_leaves_long_work_to_the_workers_that_are_there(bell, worker, transactional_db, monkeypatch):
    done = []
    long = chores.Chore(lambda now: now - dt.timedelta(hours=1), lambda now: done.append(now) or 0)
    monkeypatch.setattr(chores, "chores", [long])
    clock = Clock()
    try:
        clock.beat()
        assert (done, queued("bulk")) == ([], 1)
        worker.register_death()
        clock.beat()
        assert len(done) == 1, "nobody else is there"
    finally:
        clock.disconnect()


@pytest.mark.django_db(transaction=True)
def test_who_works_in_bulk_leaves_fresh_changes_to_the_worker_kept_for_them(bell, transactional_db):
    kept = EngineWorker([Queue("high", connection=bell.client())], connection=bell.client())
    kept.register_birth()
    Contact.objects.create(email="a@example.com")
    bell.client().delete("rq:queue:high")
    jobs.pump("bulk")
    assert PendingChange.objects.count() == 1
    assert queued("high") == 1, "and wakes it"
    PendingChange.objects.update(at=database_now() - dt.timedelta(seconds=3))
    jobs.pump("bulk")
    assert not PendingChange.objects.exists(), "it does not come"
    Contact.objects.create(email="b@example.com")
    kept.register_death()
    lanes = [Queue(lane, connection=bell.client()) for lane in doorbell.LANES]
    EngineWorker(lanes, connection=bell.client()).register_birth()
    jobs.pump("bulk")
    assert not PendingChange.objects.exists(), "there is none that does nothing else"


def test_there_are_two_lanes_only():
    with pytest.raises(ValueError, match="high"):
        jobs.pump("nonsense")


@pytest.mark.django_db(transaction=True)
def test_the_clock_alone_does_the_work_when_redis_is_away(no_redis, transactional_db):
    contacts = [Contact.objects.create(email=f"c{i}@example.com") for i in range(3)]
    clock = Clock()
    thread = threading.Thread(target=clock.run)
    thread.start()
    try:
        enroll(make_workflow([SET]), [contact.pk for contact in contacts], now=database_now())
        deadline = time.monotonic() + 60
        while Enrollment.objects.filter(status="active").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        clock.stop()
        thread.join(timeout=60)
    assert not thread.is_alive()
    assert set(Contact.objects.values_list("city", flat=True)) == {"Malmö"}


@pytest.mark.django_db(transaction=True)
def test_the_clock_outlives_a_lost_connection(bell, transactional_db):
    clock = Clock()
    thread = threading.Thread(target=clock.run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while clock.listener is None and time.monotonic() < deadline:
            time.sleep(0.02)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        contact = Contact.objects.create(email="after@example.com")
        enroll(make_workflow([SET]), [contact.pk], now=database_now())
        bell.client().flushdb()
        while not queued("high") and time.monotonic() < deadline:
            time.sleep(0.05)
        assert queued("high"), "the clock has come back and rings"
    finally:
        clock.stop()
        thread.join(timeout=60)


@pytest.mark.django_db
def test_time_is_moved_only_where_debug_is_on(settings, capsys):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        call_command("workflow_tick", now="2026-11-24T09:00:00Z")
    settings.DEBUG = True
    with pytest.raises(CommandError, match="instant"):
        call_command("workflow_tick", now="tomorrow")
    call_command("workflow_tick", now="2026-11-24T09:00:00Z")
    assert "0 changes, 0 enrolled, 0 steps" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_clock_without_workers_sees_to_what_time_has_changed_too(bell, transactional_db):
    """Redis takes every ring, but nobody answers: what has been due for a while the clock does itself."""
    now = database_now()
    late = now - dt.timedelta(minutes=1)
    segment = segments.create(BORN_LATELY, object_types["contact"], now=now)
    Segment.objects.filter(pk=segment.pk).update(check_at=late)
    assert look().segments == late
    clock = Clock()
    try:
        clock.beat()
    finally:
        clock.disconnect()
    assert look().segments is None


@pytest.mark.django_db(transaction=True)
def test_what_time_has_changed_is_left_to_the_worker_kept_for_it_only_while_fresh(bell, transactional_db):
    now = database_now()
    segment = segments.create(BORN_LATELY, object_types["contact"], now=now)
    worker = EngineWorker(["high"], connection=doorbell.client())
    worker.register_birth()
    assert doorbell.attended("high", alone=True)
    Segment.objects.filter(pk=segment.pk).update(check_at=now)
    assert not jobs.dispatches("bulk", look())
    Segment.objects.filter(pk=segment.pk).update(check_at=now - dt.timedelta(seconds=5))
    assert jobs.dispatches("bulk", look()), "a worker that was killed is listed for two minutes yet"
    worker.register_death()
