"""Redis is flushed, gone, frozen, never there, or rings too often: it costs seconds, never work (F-02, F-04)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from crm.models import Contact
from tests.reliability import journeys
from tests.reliability.conftest import FULL
from tests.reliability.servers import Redis
from tests.reliability.workers import Nursery
from workflows import doorbell

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS, STALE = (60, 1_000) if FULL else (6, 200)
NOWHERE = "redis://127.0.0.1:1/0"
ROLES = ("worker", "worker", "clock")


class Counting(doorbell.Breaker):
    """The breaker, which also counts how often somebody has waited for Redis in vain."""

    waits = 0

    def failed(self, error: Exception) -> None:
        self.waits += 1
        super().failed(error)


@contextmanager
def bell(settings: Any, url: str) -> Iterator[Counting]:
    """The bell of this process, which makes the changes, hangs where the workers' does."""
    settings.REDIS_URL = url
    doorbell.client.cache_clear()
    doorbell.breaker = counting = Counting()
    try:
        yield counting
    finally:
        doorbell.client.cache_clear()
        doorbell.breaker = doorbell.Breaker()


@pytest.fixture
def own_redis() -> Iterator[Redis]:
    found = Redis()
    yield found
    found.close()


def trouble_of(server: Redis, fault: str) -> Callable[[float], None]:
    """What is done to Redis in the second a test is in."""

    def flush(second: float) -> None:
        if int(second * 10) % 20 == 0:
            server.flush()

    def stop(second: float) -> None:
        if server.process.poll() is None:
            server.stop()

    def freeze(second: float) -> None:
        server.freeze()

    return {"flushed every two seconds": flush, "stopped": stop, "frozen": freeze}[fault]


@pytest.mark.fault("F-02")
@pytest.mark.parametrize("fault", ["flushed every two seconds", "stopped", "frozen"])
def test_work_goes_on_whatever_becomes_of_redis(
    fault: str, transactional_db: None, own_redis: Redis, tmp_path: Path, settings: Any, note: Callable[..., None],
    chance: random.Random,
) -> None:  # fmt: skip
    trouble = trouble_of(own_redis, fault)
    nursery = Nursery(tmp_path, redis=own_redis.url)
    try:
        with bell(settings, own_redis.url) as breaker:
            journeys.begin()
            workers = [nursery.start(role) for role in ROLES]
            started = time.monotonic()
            slowest, done_in_between = live_through(trouble, chance)
            openings = (time.monotonic() - started) / doorbell.OPEN_SECONDS + 1
            ended = [worker.order["role"] for worker in workers if worker.pid in nursery.codes]
            if fault == "frozen":
                own_redis.thaw()
            elif fault == "stopped":
                own_redis.start()
            for role in ended:
                nursery.start(role)
            tail = journeys.finish(60)
    finally:
        own_redis.thaw()
        nursery.close()
    found = journeys.verdict(nursery.mails)
    note(
        redis=fault, seconds_of_trouble=SECONDS, done_meanwhile=done_in_between, slowest_save_seconds=slowest,
        saves_that_waited=breaker.waits, seconds_until_done=round(tail, 1), processes_ended=len(ended),
        lost_doubled_or_stuck=len(found),
    )  # fmt: skip
    assert found == []
    # How long a save takes depends on the machine, too; how often it waits for Redis does not.
    assert bool(breaker.waits) == (fault != "flushed every two seconds")
    assert breaker.waits <= doorbell.ERRORS_UNTIL_OPEN * openings
    assert done_in_between, "Nothing was done while Redis was in trouble."
    assert "clock" not in ended, nursery.told()


def live_through(trouble: Callable[[float], None], chance: random.Random) -> tuple[float, int]:
    """Save contacts for a while in trouble; the slowest save, and how many enrollments were completed meanwhile."""
    from workflows.models import Enrollment

    started, slowest = time.monotonic(), 0.0
    while (second := time.monotonic() - started) < SECONDS:
        trouble(second)
        journeys.feed(chance.randint(1, 8))
        before = time.monotonic()
        # Saved one by one, a record rings the bell itself.
        Contact(email=f"saved{before}@example.com", job_title="buyer").save()
        slowest = max(slowest, time.monotonic() - before)
        journeys.hurry()
        time.sleep(0.1)
    end = time.monotonic() + 30
    while not (done := Enrollment.objects.filter(status="completed").count()) and time.monotonic() < end:
        journeys.hurry()
        time.sleep(0.1)
    return round(slowest, 2), done


@pytest.mark.fault("F-02")
def test_the_clock_does_the_work_where_there_never_was_a_redis(
    transactional_db: None, tmp_path: Path, settings: Any, note: Callable[..., None]
) -> None:
    nursery = Nursery(tmp_path, redis=NOWHERE)
    try:
        with bell(settings, NOWHERE):
            journeys.begin()
            nursery.start("clock")
            nursery.start("clock")
            journeys.feed(100)
            tail = journeys.finish(60)
    finally:
        nursery.close()
    found = journeys.verdict(nursery.mails)
    note(redis="never there", seconds_until_done=round(tail, 1), lost_doubled_or_stuck=len(found))
    assert found == []


@pytest.mark.fault("F-04")
def test_every_wake_up_delivered_ten_times_and_many_stale_ones_do_nothing_twice(
    nursery: Nursery, note: Callable[..., None]
) -> None:
    journeys.begin()
    queue = Queue("bulk", connection=doorbell.client(), serializer=JSONSerializer)
    for _stale in range(STALE):
        queue.enqueue(doorbell.JOB, "bulk", job_timeout=300, result_ttl=0)
    for role in ("worker", "worker", "worker", "clock"):
        nursery.start(role, mistakes=["ring_ten_times"])
    for _wave in range(5):
        journeys.feed(60)
        time.sleep(0.3)
        journeys.hurry()
    journeys.finish()
    found = journeys.verdict(nursery.mails)
    note(stale_jobs=STALE, lost_doubled_or_stuck=len(found), repeated_mails=journeys.repeats(nursery.mails))
    assert found == []
    assert journeys.repeats(nursery.mails) == 0
