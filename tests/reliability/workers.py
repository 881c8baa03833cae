"""Workers forked by a nursery: started in milliseconds, killed, frozen, thawed, and waited for."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def database_url() -> str:
    facts = connection.settings_dict
    return f"postgres://{facts['USER']}:{facts['PASSWORD']}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"


@dataclass(frozen=True)
class Worker:
    pid: int
    order: dict[str, Any]


class Nursery:
    """The forking process of nursery.py, with the ends of its children. `lease`: seconds of the engine's claims."""

    def __init__(self, folder: Path, *, lease: float = 1.0, database: str = "", redis: str | None = None) -> None:
        self.use(folder)
        self.born: queue.Queue[int] = queue.Queue()
        self.codes: dict[int, int] = {}
        self.living: dict[int, Worker] = {}
        self.changed = threading.Condition()
        environment = {
            "DATABASE_URL": database or database_url(),
            "REDIS_URL": settings.REDIS_URL if redis is None else redis,
            "DJANGO_SETTINGS_MODULE": "tests.reliability.settings",
            "HEADRACE_LEASE": str(lease),
            "SECRET_KEY": "for tests",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.nursery"], cwd=ROOT, env={**os.environ, **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        threading.Thread(target=self.listen, daemon=True).start()
        assert self.born.get(timeout=120) == self.process.pid, "The nursery did not start."

    def use(self, folder: Path) -> None:
        """Keep what the next workers send and say in a folder."""
        self.mails, self.log = folder / "mails", folder / "workers.log"

    def listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            if "ended" in said:
                with self.changed:
                    self.codes[said["ended"]] = said["code"]
                    self.changed.notify_all()
            else:
                self.born.put(said.get("born") or said["ready"])

    def start(self, role: str, failpoint: str = "", **order: Any) -> Worker:
        """A new process: a role of nursery.ROLES; `failpoint` as in HEADRACE_FAILPOINT, `mistakes` of careless.py."""
        environment = {"HEADRACE_FAILPOINT": failpoint, "HEADRACE_MAILS": str(self.mails)}
        order |= {"role": role, "log": str(self.log), "env": environment | order.get("env", {})}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        worker = Worker(self.born.get(timeout=120), order)
        self.living[worker.pid] = worker
        return worker

    def restart(self, worker: Worker) -> Worker:
        """Another one like it."""
        order = {key: value for key, value in worker.order.items() if key not in ("role", "log")}
        return self.start(worker.order["role"], **order)

    def signal(self, worker: Worker, number: signal.Signals) -> None:
        """Signal a process of ours that has not been seen to end."""
        if worker.pid in self.living and worker.pid not in self.codes:
            os.kill(worker.pid, number)

    def wait(self, worker: Worker, seconds: float = 60.0) -> int:
        """The exit code of a process that ends, minus the signal for one that was killed."""
        with self.changed:
            assert self.changed.wait_for(lambda: worker.pid in self.codes, seconds), f"{worker} does not end."
        self.living.pop(worker.pid, None)
        return self.codes[worker.pid]

    def kill(self, worker: Worker) -> int:
        self.signal(worker, signal.SIGKILL)
        return self.wait(worker, 60)

    def wait_until_frozen(self, worker: Worker, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < end, f"{worker} did not come to its failpoint."
            time.sleep(0.005)

    def revive(self, workers: list[Worker]) -> int:
        """Start again in place those that have ended, as `up` does; how many there were."""
        ended = [place for place, worker in enumerate(workers) if worker.pid in self.codes]
        for place in ended:
            self.wait(workers[place])
            workers[place] = self.restart(workers[place])
        return len(ended)

    def end_all(self) -> None:
        for worker in list(self.living.values()):
            self.kill(worker)

    def run(self, role: str, failpoint: str = "", **order: Any) -> int:
        """Start a process that ends by itself or at its failpoint; its exit code."""
        return self.wait(self.start(role, failpoint, **order))

    def told(self) -> str:
        """The last lines the workers wrote, for a test that failed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:]) if self.log.exists() else ""

    def close(self) -> None:
        self.end_all()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()
