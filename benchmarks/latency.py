"""How long after a commit the first action is committed, with the processes of `up` as they come."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import QuerySet

from benchmarks import reference_job
from benchmarks.metering import PROC, memory_of, stat_of
from config.embedded import free_port
from crm.models import Deal
from records.clock import database_now
from workflows import drafting
from workflows.lifecycle import publishing
from workflows.models import Enrollment, StepExecution, Workflow

IDLE_GOAL_MS, BULK_GOAL_MS, FLOOD_GOAL_MS = 100.0, 150.0, 1_000.0
RATE_GOAL, MEMORY_GOAL = 3_000.0, 250e6
#: Seconds a flood is watched at most, whatever is left of it then; and those within which bulk work has to end.
WATCHED, BULK_PATIENCE = 150.0, 900.0
#: Changes before those that count: processes that have just started read code and plan statements. Reported beside.
WARMING = 10
#: Seconds a single reaction may take before the benchmark gives up, and between two changes.
PATIENCE, PAUSE, GLANCE = 20.0, 0.05, 0.003
DEFINITION = {
    "format": 1,
    "name": "React",
    "object": "deal",
    "trigger": {
        "kind": "filter",
        "criteria": {"any": [{"all": [{"property": "stage", "operator": "is_any_of", "value": ["engaging"]}]}]},
    },
    "steps": [{"id": "mark", "action": "edit_record", "params": {"property": "currency", "value": "EUR"}}],
}

ENROLL = """
    INSERT INTO workflows_enrollment (workflow_id, revision_id, record_id, status, step, waiting_in, visit, tries,
        arrived_at, due_at, attempts, cause, outputs, enrolled_at, ended_reason)
    SELECT %(workflow)s, %(revision)s, id, 'active', 'ask', '', 0, 0, now(), now(), 0, '{"kind": "manual"}', '{}',
        now(), ''
    FROM crm_contact WHERE id > %(newest)s ORDER BY id
"""


def run(changes: int, bulk: int, flood: int, out: TextIO) -> bool:
    """Change deals one by one, as the admin does and as psql does, and wait for each reaction: while nothing else is
    to be done, while many enrollments are executed in bulk, and (`flood`) while very many are due at once.
    """
    with up() as process:
        admin = get_user_model()._default_manager.get(username="admin")
        workflow = drafting.create("React", "deal", admin, definition=DEFINITION)
        publishing.publish(workflow, by=admin, now=database_now(), enroll_existing=False)
        job, _admin = reference_job.publish()
        report("update(), idle, the first after the start", measure(workflow, WARMING, by_django), None, out)
        met = [report("update(), idle", measure(workflow, changes, by_django), IDLE_GOAL_MS, out)]
        met.append(report("raw SQL, idle", measure(workflow, changes, by_sql), IDLE_GOAL_MS, out))
        if bulk:
            met.append(under_load(workflow, job, bulk, changes, BULK_GOAL_MS, process.pid, out))
        if flood:
            met.append(under_load(workflow, job, flood, changes, FLOOD_GOAL_MS, process.pid, out))
    return all(met)


def under_load(
    workflow: Workflow, job: Workflow, contacts: int, changes: int, goal: float, up_pid: int, out: TextIO
) -> bool:
    """React while so many contacts, all due at once, are taken through the reference job."""
    enroll_all(job, contacts)
    before, began = steps_of(job), time.perf_counter()
    time.sleep(1)
    taken = measure(workflow, changes, by_django, rest=0.0)
    longest = WATCHED if goal == FLOOD_GOAL_MS else BULK_PATIENCE
    while waiting_in(job).exists() and time.perf_counter() - began < longest:
        time.sleep(1)
    seconds, done, left = time.perf_counter() - began, steps_of(job) - before, waiting_in(job).count()
    if left and goal == BULK_GOAL_MS:
        raise AssertionError(f"{left} of {contacts} enrollments are still waiting after {seconds:.0f} s.")
    fine = report(f"update(), {contacts:,} enrollments in bulk", taken, goal, out)
    memory = max(memory_of(pid) for pid in workers_of(up_pid))
    out.write(
        f"Meanwhile {done:,} steps in {seconds:.0f} s: {done / seconds:,.0f} steps/s (goal {RATE_GOAL:,.0f}), "
        f"{left:,} enrollments left; the largest worker {memory / 1e6:.0f} MB (goal {MEMORY_GOAL / 1e6:.0f})\n"
    )
    if goal == FLOOD_GOAL_MS:
        return fine and done / seconds >= RATE_GOAL and memory <= MEMORY_GOAL
    return fine


def enroll_all(job: Workflow, contacts: int) -> None:
    """Contacts, and their enrollments that are all due now, in two statements."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SELECT COALESCE(max(id), 0) FROM crm_contact")
        newest = cursor.fetchone()[0]
        cursor.execute(reference_job.FILL.replace("'c' || n", "'f' || %s || '-' || n"), [newest, contacts])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE crm_contact")
        cursor.execute(ENROLL, {"workflow": job.pk, "revision": job.live_id, "newest": newest})
        cursor.execute("ANALYZE workflows_enrollment")


def steps_of(job: Workflow) -> int:
    return StepExecution.objects.filter(revision_id=job.live_id or 0).count()


def waiting_in(job: Workflow) -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(workflow=job, status=Enrollment.Status.ACTIVE)


def workers_of(up_pid: int) -> list[int]:
    """The worker processes that `up` has started."""
    found = []
    for place in PROC.glob("[0-9]*"):
        try:
            if int(stat_of(int(place.name))[1]) == up_pid and b"worker" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def by_django(deal: Deal) -> None:
    Deal.objects.filter(pk=deal.pk).update(stage="engaging")


def by_sql(deal: Deal) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_deal SET stage = 'engaging' WHERE id = %s", [deal.pk])


def measure(workflow: Workflow, changes: int, change: Callable[[Deal], None], rest: float = 2.0) -> list[float]:
    """Milliseconds from each commit to the moment its first step is seen."""
    deals = Deal.objects.bulk_create(Deal(name=f"Deal {n}", stage="prospecting") for n in range(changes))
    time.sleep(rest)
    taken = []
    for deal in deals:
        change(deal)
        began = time.perf_counter()
        reaction = StepExecution.objects.filter(enrollment__workflow=workflow, enrollment__record_id=deal.pk)
        while not reaction.exists():
            if time.perf_counter() - began > PATIENCE:
                raise AssertionError(f"No reaction to a change of deal {deal.pk} within {PATIENCE:.0f} s.")
            time.sleep(GLANCE)
        taken.append((time.perf_counter() - began) * 1_000)
        time.sleep(PAUSE)
    done = StepExecution.objects.filter(enrollment__workflow=workflow, step="mark")
    if done.filter(enrollment__record_id__in=[deal.pk for deal in deals]).count() != changes:
        raise AssertionError("A change has more than one reaction.")
    return taken


def report(name: str, taken: list[float], goal: float | None, out: TextIO) -> bool:
    p95 = statistics.quantiles(taken, n=20)[18]
    stated = "" if goal is None else f" (goal: p95 {goal:.0f} ms)"
    out.write(
        f"Reaction to {len(taken)} changes by {name}: p50 {statistics.median(taken):.0f} ms, p95 {p95:.0f} ms, "
        f"slowest {max(taken):.0f} ms{stated}\n"
    )
    return goal is None or p95 <= goal


@contextmanager
def up() -> Iterator[subprocess.Popen[str]]:
    """The processes of `manage.py up` on this benchmark's servers."""
    command = [sys.executable, str(Path(__file__).resolve().parent.parent / "manage.py"), "up", "--no-demo"]
    process = subprocess.Popen(
        command,
        env=os.environ | {"PORT": str(free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "Headrace is ready" in line:
                break
        else:
            raise AssertionError("`manage.py up` ended before it was ready.")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        time.sleep(3)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
