"""The RQ worker of the engine: runs jobs in its own process and does without the bookkeeping doorbells do not need.

A forking worker starts a process for every job, which costs ten times the CPU of a whole reaction and tens of
milliseconds of its delay (docs/operations.md has the figures). What a fork would protect from is seen to otherwise:
hanging by workflows.watchdog, dying by leases, leaking by RQ's `--max-jobs`.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from workflows.code.keeping import keeping
from workflows.engine.taking_back import take_back

#: Seconds after which a worker that died without a word is no longer listed, less RQ's own minute.
LISTED_SECONDS = 60
#: Seconds between signs of life while jobs come one after another.
HEARTBEAT_SECONDS = 5.0


class EngineWorker(SimpleWorker):
    """SimpleWorker with JSON jobs, quick to come back when Redis does, and few words with Redis around a job."""

    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def __init__(self, *args: Any, **options: Any) -> None:
        options |= {"serializer": JSONSerializer, "worker_ttl": LISTED_SECONDS, "log_job_description": False}
        super().__init__(*args, **options)
        self.beat_at = 0.0
        self.asked_to_stop = False

    def work(self, *args: Any, **options: Any) -> bool:
        """RQ's, after what the last worker of this one's name has left is free again."""
        take_back()
        with keeping():
            return bool(super().work(*args, **options))

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """RQ's, but the one around every job only every few seconds, and in one round trip.

        Signs up anew where Redis knows nothing of this worker any more.
        """
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        if timeout is None and time.monotonic() - self.beat_at < HEARTBEAT_SECONDS:
            return
        if self.birth_date and not self.connection.exists(self.key):
            self.register_birth()
        with self.connection.pipeline(transaction=False) as pipe:
            super().heartbeat(timeout, pipe)
            pipe.execute()
        self.beat_at = time.monotonic()

    def handle_warm_shutdown_request(self) -> None:
        """RQ's; remembered for a job that is taken up just then (workflows.jobs.stopping)."""
        self.asked_to_stop = True
        super().handle_warm_shutdown_request()

    def set_shutdown_requested_date(self) -> None:
        """Called in the handler of SIGTERM, in the middle of a batch: Redis being away must not interrupt that."""
        with contextlib.suppress(redis.RedisError, OSError):
            super().set_shutdown_requested_date()
