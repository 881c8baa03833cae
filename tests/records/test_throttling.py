"""Limits while Redis does not answer: each process counts by itself, in a bounded space."""

from __future__ import annotations

from typing import Any

import redis

from records.api import throttling
from records.api.tallying import Tallies
from records.api.throttling import Counter

NOBODY = "redis://127.0.0.1:1/0"


def test_without_redis_a_process_counts_by_itself(settings: Any) -> None:
    settings.REDIS_URL = NOBODY
    counter = Counter()
    # The next ten seconds may begin between two of them.
    counts = [counter.count("form:1:203.0.113.9") for _ in range(20)]
    assert max(counts) >= 10
    assert counter.count("form:1:203.0.113.10") == 1


def test_what_is_counted_without_redis_is_bounded_whoever_sends(settings: Any, monkeypatch: Any) -> None:
    settings.REDIS_URL = NOBODY
    monkeypatch.setattr(throttling, "KEPT", 50)
    monkeypatch.setattr(throttling, "SHARED", 10)
    counter = Counter()
    counts = [counter.count(f"form:1:{number}") for number in range(5_000)]
    assert len(counter.local) <= 60
    assert max(counts) > 100, "who comes when the room is full is counted together with others"


def test_what_came_in_is_counted_again_when_redis_is_back(settings: Any) -> None:
    there, settings.REDIS_URL = settings.REDIS_URL, NOBODY
    counts = Tallies()
    counts.add({"test:away": 2})
    counts.add({"test:away": 1})
    assert counts.waiting["test:away"] == 3
    settings.REDIS_URL = there
    counts.client, counts.paused_until = None, 0.0
    before = counts.all().get("test:away", 0)
    counts.add({"test:away": 1})
    assert counts.all()["test:away"] == before + 4
    assert not counts.waiting
    redis.Redis.from_url(there).hdel("headrace:tallies", "test:away")
