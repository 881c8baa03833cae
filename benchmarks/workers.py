"""Which RQ worker the engine should have: what one ring costs, and how soon its job begins, by worker class.

    python -m benchmarks.workers --worker rq.SimpleWorker --worker rq.Worker

Uses DATABASE_URL and REDIS_URL as they are, or embedded servers; nothing but Redis' queue `high` is touched.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
WORKERS = ("workflows.processes.worker.EngineWorker", "rq.SimpleWorker", "rq.Worker")


def cpu_seconds(pid: int) -> float:
    """What a process and the children it has waited for have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICKS


def measure(worker_class: str, rings: int) -> tuple[list[float], float]:
    """Milliseconds from each ring to the end of its job (one look at the database), and CPU milliseconds a ring."""
    options = ["--worker-class", worker_class, "--serializer", "rq.serializers.JSONSerializer", "-v", "0"]
    worker = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "rqworker", "high", *options], cwd=ROOT)
    try:
        for _warming_up in range(5):
            ring_and_wait()
        before = cpu_seconds(worker.pid)
        taken = [ring_and_wait() for _ring in range(rings)]
        time.sleep(0.2)
        return taken, (cpu_seconds(worker.pid) - before) / rings * 1_000
    finally:
        worker.terminate()
        worker.wait(timeout=30)


def ring_and_wait() -> float:
    """Enqueue what the doorbell does, and wait until the job is done and forgotten (results are kept for no time)."""
    from rq import Queue
    from rq.serializers import JSONSerializer

    from workflows import doorbell

    time.sleep(0.02)
    began = time.perf_counter()
    queue = Queue("high", connection=doorbell.client(), serializer=JSONSerializer)
    job = queue.enqueue(doorbell.JOB, "high", result_ttl=0)
    while doorbell.client().exists(job.key):
        if time.perf_counter() - began > 60:
            raise AssertionError("No worker has done the job within a minute.")
        time.sleep(0.0005)
    return (time.perf_counter() - began) * 1_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.workers", description=__doc__)
    parser.add_argument("--worker", action="append", help="a worker class; several are measured in turn")
    parser.add_argument("--rings", type=int, default=200)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    for _round in range(2):
        for worker_class in options.worker or WORKERS:
            taken, cpu = measure(worker_class, options.rings)
            p95 = statistics.quantiles(taken, n=20)[18]
            sys.stdout.write(
                f"{worker_class:32} p50 {statistics.median(taken):5.1f} ms, p95 {p95:5.1f} ms, CPU {cpu:4.1f} ms\n"
            )


if __name__ == "__main__":
    main()
