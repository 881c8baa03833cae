"""Workers that are killed at the worst moment lose nothing and do nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from crm.models import Contact, Task
from records.clock import database_now
from tests.workflows.building import enroll, make_workflow, step
from workflows.engine.taking_steps import run_due
from workflows.models import Enrollment, StepExecution
from workflows.processes.ticking import tick

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
STEPS = [
    step("add", "change_number", property="lead_score", by=1),
    step("task", "create_task", title="Call {{ contact.first_name }}"),
    step("wait", "delay", days=2),
]


def start_worker(**environment):
    """`workflow_tick` in a process of its own, on the test's database."""
    database = connection.settings_dict
    url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return subprocess.Popen(
        [sys.executable, "manage.py", "workflow_tick"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def contacts_in(steps, count):
    made = Contact.objects.bulk_create(Contact(email=f"c{i}@example.com", first_name=f"C{i}") for i in range(count))
    workflow = make_workflow(steps)
    enroll(workflow, [contact.pk for contact in made], now=database_now())
    return workflow


def end_leases():
    Enrollment.objects.filter(claim__isnull=False).update(claimed_until=database_now())


def finish():
    """What the next worker does once the leases have ended."""
    end_leases()
    while run_due(database_now()):
        end_leases()


def assert_everything_exactly_once(count):
    assert set(Contact.objects.values_list("lead_score", flat=True)) == {1}
    assert Task.objects.count() == count
    assert Counter(Task.objects.values_list("title", flat=True)).most_common(1)[0][1] == 1
    assert set(Enrollment.objects.values_list("status", "step", "visit", "claim")) == {("active", "wait", 2, None)}
    lines = Counter(StepExecution.objects.values_list("step", "outcome"))
    assert lines == {("add", "success"): count, ("task", "success"): count, ("wait", "waiting"): count}


@pytest.mark.parametrize(
    ("failpoint", "left_behind"),
    [("after_claim", True), ("after_effect", True), ("before_commit", True), ("after_commit", False)],
)
def test_a_worker_killed_at_any_point_leaves_all_or_nothing(failpoint, left_behind):
    contacts_in(STEPS, 40)
    worker = start_worker(HEADRACE_FAILPOINT=failpoint)
    assert worker.wait(timeout=120) == -signal.SIGKILL
    claimed = Enrollment.objects.filter(claim__isnull=False).count()
    assert claimed == (40 if left_behind else 0)
    assert Task.objects.count() == (0 if left_behind else 40)
    assert run_due(database_now()) == 0, "the lease keeps others away until it ends"
    finish()
    assert_everything_exactly_once(40)


def test_two_workers_and_a_kill_in_the_middle_do_everything_exactly_once():
    contacts_in(STEPS, 3_000)
    workers = [start_worker(), start_worker()]
    deadline = time.monotonic() + 120
    while not Task.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    workers[0].send_signal(signal.SIGKILL)
    assert workers[0].wait(timeout=60) in (-signal.SIGKILL, 0)
    assert workers[1].wait(timeout=120) == 0
    finish()
    assert_everything_exactly_once(3_000)


def test_a_tick_two_days_later_completes_what_waits():
    contacts_in(STEPS, 5)
    done = tick(database_now())
    assert (done.steps, done.recovered) == (15, 0)
    later = Enrollment.objects.order_by("-due_at").values_list("due_at", flat=True)[0]
    tick(later)
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"completed"}
