"""RQ workers as `up` starts them, on the test's database, killed at moments chosen by chance."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from crm.models import Task
from records.associations import ids_of
from workflows import doorbell
from workflows.models import Enrollment, StepExecution

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["--worker-class", "rq.SimpleWorker", "--serializer", "rq.serializers.JSONSerializer", "-v", "0"]
WORKER = ["manage.py", "rqworker", "high", "bulk", *OPTIONS]
PATIENCE = 90.0


def database_url() -> str:
    facts = connection.settings_dict
    return f"postgres://{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"


@dataclass
class Workers:
    """A number of workers of which some are killed; those are replaced at once."""

    chance: random.Random
    command: list[str] = field(default_factory=lambda: WORKER)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: int = 0

    def start(self) -> None:
        environment = {
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        worker = subprocess.Popen(
            [sys.executable, *self.command], cwd=ROOT, env={**os.environ, **environment}, **quiet
        )
        self.running.append(worker)

    def kill_one(self) -> None:
        worker = self.running.pop(self.chance.randrange(len(self.running)))
        worker.kill()
        assert worker.wait(timeout=60) == -signal.SIGKILL
        self.kills += 1

    def end(self) -> None:
        for worker in self.running:
            worker.kill()
            worker.wait(timeout=60)


def ring() -> None:
    """What the clock does every second."""
    for lane in doorbell.LANES:
        doorbell.ring(lane)


def claimed() -> int:
    return Enrollment.objects.filter(status="active", claim__isnull=False).count()


def end_leases() -> None:
    """Have half a minute pass."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_enrollment SET claimed_until = clock_timestamp() WHERE claim IS NOT NULL")


def kill_in_the_middle(workers: Workers, left: Any, kills: int) -> None:
    """Kill so many workers, each shortly after one has claimed a batch, and leave what they had to its lease."""
    for _number in range(kills):
        workers.start()
        known = claimed()
        wait_until(lambda known=known: claimed() > known or not left())
        time.sleep(workers.chance.uniform(0, 0.3))
        workers.kill_one()


def wait_until(done: Any) -> None:
    """Ring and look, a minute and a half at most."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "The workers did not get there in time."
        ring()
        time.sleep(0.01)


def verdict(expected: list[int], log: dict[tuple[str, str], int]) -> list[str]:
    """What is wrong: records without their task, or with two; steps not logged as often as they should be."""
    tasks = list(Task.objects.values_list("pk", flat=True))
    counts = Counter(deal for deals in ids_of("task", tasks, "deal").values() for deal in deals)
    missing = [pk for pk in expected if not counts[pk]]
    twice = [pk for pk, count in counts.items() if count > 1]
    found = [f"{len(missing)} records have no task"] if missing else []
    found += [f"{len(twice)} records have more than one task"] if twice else []
    if len(tasks) != len(expected):
        found.append(f"{len(tasks)} tasks instead of {len(expected)}")
    lines = Counter(StepExecution.objects.values_list("step", "outcome"))
    if lines != log:
        found.append(f"The log has {dict(lines)} instead of {log}")
    return found
