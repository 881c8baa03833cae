"""An action that never comes back is stopped with its worker; everybody else goes on, and three times is enough."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from django.conf import settings
from django.core import checks
from django.db import connection
from django_rq import get_connection

from config.processes import Child, Supervisor
from crm.models import Contact
from records.clock import database_now
from tests.stories.killing import ROOT, database_url
from tests.workflows.building import enroll, log_of, make_workflow, step
from workflows import doorbell, jobs, watchdog
from workflows.models import Enrollment, StepExecution
from workflows.processes.worker import EngineWorker
from workflows.registries import actions

STEPS = [step("hang", "hang"), step("set", "edit_record", property="city", value="Malmö")]
HEALTHY = 40
PATIENCE = 120.0


def environment(**more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "WORKFLOW_LEASE_SECONDS": "5",
        "WORKFLOW_BATCH_SECONDS": "3",
        **more,
    }


@pytest.fixture
def _hang_is_known(monkeypatch):
    """The action exists in the workers of these tests only; here it has to be a word."""
    monkeypatch.setitem(actions, "hang", actions["end"])


def make_contacts() -> None:
    names = ["Poison" if i == HEALTHY // 2 else f"C{i}" for i in range(HEALTHY + 1)]
    made = Contact.objects.bulk_create(Contact(email=f"{name}@example.com", first_name=name) for name in names)
    enroll(make_workflow(STEPS), [contact.pk for contact in made], now=database_now())


def wait_until(done, patience: float = PATIENCE) -> None:
    """Ring as the clock does, and look."""
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, "It did not come to that in time."
        for lane in doorbell.LANES:
            doorbell.ring(lane)
        time.sleep(0.05)


@pytest.fixture
def empty_queues():
    get_connection("high").flushdb()
    yield
    get_connection("high").flushdb()


@pytest.mark.slow
@pytest.mark.usefixtures("_hang_is_known")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["sleep", "match", "query"])
def test_a_hung_action_ends_alone_after_three_workers(way, empty_queues, tmp_path):
    make_contacts()
    command = [sys.executable, str(ROOT / "tests/workflows/hanging_worker.py"), "rqworker", "high", "bulk", "-v", "0"]
    said = tmp_path / "said"
    with said.open("w") as output:
        supervisor = Supervisor([Child("worker", command, environment(HANGS_IN=way), longest_pause=1.0)], output)
        thread = threading.Thread(target=supervise, args=(supervisor,))
        thread.start()
        try:
            wait_until(lambda: not Enrollment.objects.filter(status="active").exists())
        finally:
            supervisor.stop()
            thread.join(timeout=60)
    poison = Enrollment.objects.get(record_id=Contact.objects.get(first_name="Poison").pk)
    assert (poison.status, poison.ended_reason) == ("failed", "crashed")
    assert log_of(poison) == [("hang", "failed")]
    assert Enrollment.objects.filter(status="completed").count() == HEALTHY
    assert Contact.objects.filter(city="Malmö").count() == HEALTHY
    text = said.read_text()
    if way == "query":
        assert "was cancelled" in text
        assert "Starting it again" not in text, "the database ends a statement; no worker has to die for that"
    else:
        assert text.count("Starting it again") == 3
    if way == "sleep":
        assert "did not end" in text
        assert "step hang, action hang" in text


def supervise(supervisor: Supervisor) -> None:
    """`Supervisor.run` without its signal handlers, which only a main thread may have."""
    try:
        while not supervisor.stopping:
            supervisor.start_due()
            supervisor.show(0.1)
            supervisor.notice_crashes()
    finally:
        supervisor.stop_children()


@pytest.mark.slow
@pytest.mark.usefixtures("_hang_is_known")
@pytest.mark.django_db(transaction=True)
def test_a_clock_that_does_the_work_itself_does_not_hang_either(tmp_path):
    make_contacts()
    command = [sys.executable, "tests/workflows/hanging_worker.py", "workflow_tick"]
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment(HANGS_IN="sleep")}, capture_output=True, timeout=60
    )
    assert run.returncode == watchdog.EXIT_HUNG
    assert Enrollment.objects.filter(status="active", claim__isnull=False).count() == HEALTHY + 1


def test_a_job_taken_up_while_its_worker_is_asked_to_stop_begins_nothing():
    worker = EngineWorker(["high"], connection=get_connection("high"))
    handled = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGTERM, worker.request_force_stop)
        with jobs.stopping() as asked_to_stop:
            assert not asked_to_stop.is_set()
        worker.handle_warm_shutdown_request()
        with jobs.stopping() as asked_to_stop:
            assert asked_to_stop.is_set()
        assert signal.getsignal(signal.SIGTERM) == worker.request_force_stop
    finally:
        signal.signal(signal.SIGTERM, handled[0])
        signal.signal(signal.SIGINT, handled[1])


@pytest.mark.django_db
def test_nobody_watches_where_batches_are_not_limited(settings):
    settings.WORKFLOW_BATCH_SECONDS = 0
    with watchdog.limited("steps"):
        assert watchdog.guard.deadline == float("inf")


def test_what_ends_in_time_is_left_alone(settings):
    settings.WORKFLOW_BATCH_SECONDS = 20
    assert watchdog.within(None, "steps", sum, [1, 2]) == 3
    assert watchdog.guard.deadline == float("inf")
    assert not watchdog.guard.busy.is_set()


def test_a_limit_longer_than_the_lease_is_reported(settings):
    settings.WORKFLOW_LEASE_SECONDS, settings.WORKFLOW_BATCH_SECONDS = 30, 30
    assert [found.id for found in checks.run_checks() if found.id == "config.E001"] == ["config.E001"]
    settings.WORKFLOW_BATCH_SECONDS = 20
    assert not [found for found in checks.run_checks() if found.id == "config.E001"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_worker_asked_to_stop_under_load_stops_soon_and_leaves_nothing_claimed(empty_queues):
    """F-09: SIGTERM in the middle of thousands of steps, again and again."""
    steps = [step(f"s{i}", "change_number", property="lead_score", by=1) for i in range(5)]
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com", lead_score=0) for i in range(4_000))
    enroll(make_workflow(steps), [contact.pk for contact in made], now=database_now())
    for _round in range(2):
        worker = start("rqworker", "high", "bulk", "-v", "0")
        left = Enrollment.objects.filter(status="active").count()
        wait_until(lambda left=left: Enrollment.objects.filter(status="active").count() < left)
        worker.send_signal(signal.SIGTERM)
        lines = StepExecution.objects.count()
        assert worker.wait(timeout=PATIENCE) == 0
        more = StepExecution.objects.count() - lines
        assert more <= jobs.SIZES["bulk"] * len(steps), "it finishes its batch and begins no other"
        assert not Enrollment.objects.filter(claim__isnull=False).exists()
        assert not Enrollment.objects.exclude(attempts=0).exists()
    assert Enrollment.objects.filter(status="active").exists(), "it was stopped in the middle"
    done = Contact.objects.filter(lead_score=5).count()
    assert done == Enrollment.objects.filter(status="completed").count()


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, **environment(WORKFLOW_LEASE_SECONDS="30", WORKFLOW_BATCH_SECONDS="20")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.django_db(transaction=True)
def test_the_engine_limits_its_statements_in_the_transaction_only(settings):
    settings.WORKFLOW_BATCH_SECONDS = 20
    from workflows.engine import taking_steps

    contact = Contact.objects.create(email="a@example.com")
    enroll(make_workflow(STEPS[1:]), [contact.pk], now=database_now())
    taking_steps.run_due(database_now())
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    assert taking_steps.statement_seconds() == 15
