"""How long after a commit the first action is committed, with the processes of `up` as they come."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.contrib.auth import get_user_model
from django.db import connection

from config.embedded import free_port
from crm.models import Deal
from records.clock import database_now
from workflows import drafting, publishing
from workflows.models import StepExecution, Workflow

GOAL_MS = 250.0
#: Seconds a single reaction may take before the benchmark gives up, and between two changes.
PATIENCE, PAUSE = 20.0, 0.05
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


def run(changes: int, out: TextIO) -> bool:
    """Change deals one by one, as the admin does and as psql does, and wait for each reaction."""
    with up():
        admin = get_user_model()._default_manager.get(username="admin")
        workflow = drafting.create("React", "deal", admin, definition=DEFINITION)
        publishing.publish(workflow, by=admin, now=database_now(), enroll_existing=False)
        met = [report("update()", measure(workflow, changes, by_django), out)]
        met.append(report("raw SQL", measure(workflow, changes, by_sql), out))
    return all(met)


def by_django(deal: Deal) -> None:
    Deal.objects.filter(pk=deal.pk).update(stage="engaging")


def by_sql(deal: Deal) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_deal SET stage = 'engaging' WHERE id = %s", [deal.pk])


def measure(workflow: Workflow, changes: int, change: Callable[[Deal], None]) -> list[float]:
    """Milliseconds from each commit to the moment its first step is seen."""
    deals = Deal.objects.bulk_create(Deal(name=f"Deal {n}", stage="prospecting") for n in range(changes))
    time.sleep(2)
    taken = []
    for deal in deals:
        change(deal)
        began = time.perf_counter()
        reaction = StepExecution.objects.filter(enrollment__workflow=workflow, enrollment__record_id=deal.pk)
        while not reaction.exists():
            if time.perf_counter() - began > PATIENCE:
                raise AssertionError(f"No reaction to a change of deal {deal.pk} within {PATIENCE:.0f} s.")
            time.sleep(0.01)
        taken.append((time.perf_counter() - began) * 1_000)
        time.sleep(PAUSE)
    if StepExecution.objects.filter(enrollment__workflow=workflow, step="mark").count() % changes:
        raise AssertionError("A change has more than one reaction.")
    return taken


def report(name: str, taken: list[float], out: TextIO) -> bool:
    p95 = statistics.quantiles(taken, n=20)[18]
    out.write(
        f"Reaction to {len(taken)} changes by {name}: p50 {statistics.median(taken):.0f} ms, p95 {p95:.0f} ms, "
        f"slowest {max(taken):.0f} ms (goal: p95 {GOAL_MS:.0f} ms)\n"
    )
    return p95 <= GOAL_MS


@contextmanager
def up() -> Iterator[None]:
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
        time.sleep(3)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
