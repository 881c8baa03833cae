"""Counts of what came in without a login, for `/metrics`: kept in Redis for all processes, and begun anew with it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import redis
from django.conf import settings

from records.api.throttling import PAUSE

NAME = "headrace:tallies"


class Tallies:
    """Counts by name; what Redis does not take is kept here until it does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: Counter[str] = Counter()
        self.paused_until = 0.0
        self.client: redis.Redis | None = None

    def add(self, counts: Mapping[str, int]) -> None:
        """Count; never more than a fifth of a second, whatever Redis does."""
        with self.lock:
            self.waiting.update(counts)
            if time.monotonic() < self.paused_until:
                return
            taken, self.waiting = self.waiting, Counter()
        try:
            pipe = self.redis().pipeline(transaction=False)
            for name, number in taken.items():
                pipe.hincrby(NAME, name, number)
            pipe.execute()
        except (redis.RedisError, ValueError):
            with self.lock:
                self.waiting.update(taken)
                self.paused_until = time.monotonic() + PAUSE

    def all(self) -> dict[str, int]:
        """Every count by its name. Raises redis.RedisError."""
        found: Any = self.redis().hgetall(NAME)
        return {name.decode(): int(number) for name, number in found.items()}

    def redis(self) -> redis.Redis:
        if self.client is None:
            self.client = redis.Redis.from_url(
                settings.REDIS_URL, socket_timeout=0.2, socket_connect_timeout=0.2, retry_on_timeout=False
            )
        return self.client


tallies = Tallies()


def tally(what: str, label: str, number: int = 1) -> None:
    """Count something by what it is (such as "webhook") and a label (such as "accepted")."""
    tallies.add({f"{what}:{label}": number})


def tallied(what: str) -> dict[str, int]:
    """The counts of one thing by label. Raises redis.RedisError."""
    found = tallies.all()
    return {name.partition(":")[2]: number for name, number in found.items() if name.startswith(f"{what}:")}
