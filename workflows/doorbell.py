"""The doorbell: tells a worker through Redis that there is something to look at in the database. Nothing more.

Losing a ring costs a second, until the clock looks for itself; so ringing never raises and never takes long.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.serializers import JSONSerializer

logger = logging.getLogger(__name__)

LANES = ("high", "bulk")
#: The lane of workers that do nothing but send requests to other systems, however slow these are.
OUTSIDE = "outside"
TIMEOUT = 0.2
ERRORS_UNTIL_OPEN = 3
OPEN_SECONDS = 5.0
JOB = "workflows.jobs.pump"


class Breaker:
    """After three errors in a row Redis is left alone for five seconds, so that nobody waits for it."""

    def __init__(self) -> None:
        self.errors = 0
        self.closed_at = 0.0
        self.lock = threading.Lock()

    @property
    def open(self) -> bool:
        return time.monotonic() < self.closed_at

    def failed(self, error: Exception) -> None:
        with self.lock:
            self.errors += 1
            if self.errors >= ERRORS_UNTIL_OPEN:
                self.closed_at = time.monotonic() + OPEN_SECONDS
                self.errors = 0
                logger.warning("Redis does not answer (%s); the clock works without it meanwhile.", error)

    def succeeded(self) -> None:
        with self.lock:
            self.errors = 0


breaker = Breaker()


@lru_cache(maxsize=1)
def client() -> Any:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
    )


def ring(lane: str = "high") -> bool:
    """Have a worker of a lane look at the database; False when Redis could not be told. Never raises.

    A job nobody has taken yet will see what is there by then, so one is enough; a job that was taken may have looked
    already, so another follows it. A project without Redis (no REDIS_URL) has no bell: its clock does all the work.
    """
    if not getattr(settings, "REDIS_URL", "") or breaker.open:
        return False
    try:
        queue = Queue(lane, connection=client(), serializer=JSONSerializer)
        if not client().llen(queue.key):
            queue.enqueue(JOB, lane, job_timeout=300, result_ttl=0, failure_ttl=7 * 24 * 3600)
    except (redis.RedisError, OSError) as error:
        breaker.failed(error)
        return False
    breaker.succeeded()
    return True


def attended(lane: str, *, alone: bool = False) -> bool:
    """Whether a worker that is alive has signed up for a lane (`alone`: and for no other), as far as Redis can tell.
    Never raises.

    RQ's own count has those too who died without a word, until somebody else who listens to the lane clears them away.
    """
    if not getattr(settings, "REDIS_URL", "") or breaker.open:
        return False
    try:
        keys = signed_up(lane)
        if alone:
            keys -= {key for other in LANES if other != lane for key in signed_up(other)}
        return bool(keys) and client().exists(*keys) > 0
    except (redis.RedisError, OSError) as error:
        breaker.failed(error)
        return False


def signed_up(lane: str) -> set[str]:
    """The keys of a lane's workers. Raises what redis raises."""
    return set(Worker.all_keys(queue=Queue(lane, connection=client(), serializer=JSONSerializer)))
