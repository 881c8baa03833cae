"""How many requests a token, and an address without a login, may send; and how often a password may be wrong."""

from __future__ import annotations

import threading
import time
from typing import Any

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from records.api.addresses import address_of

WINDOW = 10
#: How many counts one process keeps by itself at most; what comes then shares some more.
KEPT, SHARED = 50_000, 1_024
#: How long Redis is left alone after it did not answer.
PAUSE = 5.0


class Counter:
    """Counts per key and window, in Redis for all processes; in this process alone while Redis does not answer."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.local: dict[str, int] = {}
        #: Which window of a length, in seconds, the counts in this process are of.
        self.local_windows: dict[int, int] = {}
        self.paused_until = 0.0
        self.client: redis.Redis | None = None

    def count(self, key: str, *, seconds: int = WINDOW, by: int = 1) -> int:
        """Count once more (or back, by -1) in the running window of this many seconds; the number so far."""
        window = int(time.time()) // seconds
        if time.monotonic() >= self.paused_until:
            try:
                return self.count_in_redis(f"headrace:throttle:{key}:{window}", seconds, by)
            except (redis.RedisError, ValueError):
                # A reply that is too late closes the connection's buffer, which another read then finds closed.
                self.paused_until = time.monotonic() + PAUSE
        with self.lock:
            if window != self.local_windows.get(seconds):
                self.local = {name: n for name, n in self.local.items() if not name.startswith(f"{seconds}:")}
                self.local_windows[seconds] = window
            key = f"{seconds}:{key}"
            if key not in self.local and len(self.local) >= KEPT:
                key = f"{seconds}:#{hash(key) % SHARED}"
            self.local[key] = self.local.get(key, 0) + by
            return self.local[key]

    def count_in_redis(self, name: str, seconds: int, by: int) -> int:
        if self.client is None:
            self.client = redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=0.2, socket_connect_timeout=0.2, retry_on_timeout=False
            )
        pipe = self.client.pipeline()
        pipe.incrby(name, by)
        pipe.expire(name, 2 * seconds)
        return int(pipe.execute()[0])


counter = Counter()


def left(seconds: int = WINDOW) -> float:
    """How many seconds the running window of this many still lasts."""
    return seconds - time.time() % seconds


def per_window(setting: str, default: int) -> int:
    """Requests per ten seconds by a setting (API_REQUESTS_PER_10_S, API_FAILURES_PER_10_S)."""
    return int(getattr(settings, setting, default))


class TokenThrottle(BaseThrottle):
    """100 requests in ten seconds for a token, unless the installation sets API_REQUESTS_PER_10_S."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return counter.count(f"token:{request.auth.pk}") <= per_window("API_REQUESTS_PER_10_S", 100)

    def wait(self) -> float:
        return left()


class FailureThrottle(TokenThrottle):
    """50 refused tokens in ten seconds for an address: guessing is slow."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return counter.count(f"failures:{address_of(request.META)}") <= per_window("API_FAILURES_PER_10_S", 50)
