"""What RQ runs: jobs that carry nothing and only say "look at the database"."""

from __future__ import annotations

import datetime as dt
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from django.db import DatabaseError, InterfaceError, connection

from records.clock import database_now
from workflows import chores, doorbell
from workflows.engine import taking_steps, tallying
from workflows.engine.waiting import Waiting, look
from workflows.intake.dispatching import dispatch
from workflows.outbox.delivering import deliver
from workflows.outbox.requesting import send_due
from workflows.watchdog import DELIVERING, LONG, within

BUDGET_SECONDS = 55.0
#: Enrollments in a batch: small where fresh changes wait their turn, large where much is to be done.
SIZES = {"high": 100, "bulk": 500}
#: What became due earlier is not fresh any more.
FRESH = dt.timedelta(seconds=2)
#: How often the worker kept for what is fresh helps with the rest: enough for what waits while the others are held up.
HELP_SECONDS = 5.0
helped = {"at": 0.0}


def pump(lane: str = "high") -> None:
    """Dispatch changes, run due steps and send deliveries until nothing is due, for a minute at most."""
    if lane not in (*SIZES, doorbell.OUTSIDE):
        raise ValueError(f"There is no lane {lane!r}; use one of {sorted([*SIZES, doorbell.OUTSIDE])}.")
    try:
        with stopping() as asked_to_stop:
            if lane == doorbell.OUTSIDE:
                send_requests(asked_to_stop)
            else:
                work_until(asked_to_stop, lane)
    except (DatabaseError, InterfaceError):
        # Who connected while the database was read-only, or gave statements no time, stays so until the line is new.
        if not connection.in_atomic_block:
            connection.close()
        raise
    finally:
        tallying.flush()


def work_until(asked_to_stop: threading.Event, lane: str) -> None:
    """Do what waits, a batch at a time; rings again for itself when there is more than a job may do."""
    end = time.monotonic() + BUDGET_SECONDS
    while not asked_to_stop.is_set():
        if time.monotonic() > end:
            doorbell.ring(lane)
            return
        waiting = look()
        now = waiting.now
        changes = within(LONG, "changes", dispatch, now) if dispatches(lane, waiting) else 0
        steps = take_steps(lane, now) if waiting.steps or changes else 0
        sent = within(DELIVERING, "deliveries", deliver, now) if waiting.deliveries and not steps else 0
        others = within(LONG, "chores", chores.work, now) if lane == "bulk" else 0
        if waiting.requests and not handed_over() and lane == "bulk" and not (changes or steps or sent or others):
            others = send_requests(asked_to_stop)
        if not (changes or steps or sent or others):
            return
        tallying.flush(soon=False)


def handed_over() -> bool:
    """Whether a worker that does nothing but send requests was told of some."""
    return doorbell.attended(doorbell.OUTSIDE) and doorbell.ring(doorbell.OUTSIDE)


def send_requests(asked_to_stop: threading.Event) -> int:
    """Send requests until none is due, for a minute at most; rings again when there may be more."""
    end = time.monotonic() + BUDGET_SECONDS
    sent = within(
        LONG, "requests", send_due, database_now, go_on=lambda: not asked_to_stop.is_set() and time.monotonic() < end
    )
    if time.monotonic() > end:
        doorbell.ring(doorbell.OUTSIDE)
    return sent


def dispatches(lane: str, waiting: Waiting) -> bool:
    """Whether a worker of a lane is to look at what has changed.

    Only one can at a time, and while many steps are done they leave many changes. So whoever does them leaves fresh
    changes to the worker kept for these where there is one, who would have to wait otherwise.
    """
    since = min((moment for moment in (waiting.changes, waiting.segments) if moment is not None), default=None)
    if since is None:
        return False
    fresh = waiting.now - since < FRESH
    return not (lane == "bulk" and fresh and doorbell.attended("high", alone=True) and doorbell.ring("high"))


def take_steps(lane: str, now: dt.datetime) -> int:
    """Run a batch of due steps; how many were done.

    The worker kept for fresh changes leaves what has waited for a while to the others where there are any, and only
    helps them now and then: whatever it does, the next change has to wait for, and much that is due at once would
    keep it busy all the time.
    """
    size = SIZES[lane]
    if lane != "high":
        return within(None, "steps", taking_steps.run_due, now, size)
    since = now - FRESH if doorbell.attended("bulk") else None
    steps = within(None, "steps", taking_steps.run_due, now, size, freshest=True, since=since)
    if since and not steps and time.monotonic() - helped["at"] >= HELP_SECONDS:
        helped["at"] = time.monotonic()
        steps = within(None, "steps", taking_steps.run_due, now, size)
    if steps >= size or (since and not steps):
        doorbell.ring("bulk")
    return steps


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Meanwhile SIGTERM also sets an event, so that a job ends between two batches instead of after a minute."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def asked(number: int, frame: FrameType | None) -> None:
        event.set()
        if callable(before):
            before(number, frame)

    before = signal.signal(signal.SIGTERM, asked)
    if getattr(getattr(before, "__self__", None), "asked_to_stop", False):
        event.set()  # The worker was asked between taking the job up and here.
    try:
        yield event
    finally:
        signal.signal(signal.SIGTERM, before)
