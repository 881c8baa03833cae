"""A limit for every piece of work a worker or the clock does: what hangs ends its own process, and nothing else.

Leases do the rest: the others go on, what the process had claimed is claimed again in smaller parts, and after three
claims in vain the enrollment that hangs has failed. `manage.py up`, or whatever supervises the workers, starts the
process again.

Two guards watch, because one is not enough. A thread says in the log what hung and ends the process. Where even
threads do not run any more (C code that holds the interpreter, like a runaway regular expression), `faulthandler` ends
it a moment later from a thread that needs no interpreter.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings

logger = logging.getLogger(__name__)

#: What a process ends with that was stopped because its work hung.
EXIT_HUNG = 75
#: Seconds the log line gets before the second guard strikes.
GRACE = 2.0
#: Seconds for work without a lease: below the five minutes after which RQ interrupts a job.
LONG = 240.0
#: Seconds for a round of deliveries: below their lease.
DELIVERING = 110.0

doing: dict[str, Any] = {}
Result = TypeVar("Result")


def batch_seconds() -> float:
    """How long one batch of enrollments may take; 0 when nobody watches (setting WORKFLOW_BATCH_SECONDS)."""
    return float(getattr(settings, "WORKFLOW_BATCH_SECONDS", 0))


def now_doing(**facts: Any) -> None:
    """Remember what is being done, for the line that is written should it hang."""
    doing.clear()
    doing.update(facts)


@contextmanager
def limited(what: str, seconds: float | None = None) -> Iterator[None]:
    """End this process when the block takes longer than `seconds` (None: a batch's limit). Does not nest.

    Only where batches are limited at all, and only in a process's main thread, which is its worker or its clock.
    """
    limit = batch_seconds() if seconds is None else seconds
    if not batch_seconds() or threading.current_thread() is not threading.main_thread():
        yield
        return
    guard.begin(what, limit)
    faulthandler.dump_traceback_later(limit + GRACE, exit=True, file=sys.__stderr__ or 2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        guard.end()


class Guard:
    """The thread that looks at the time once a second while something is limited, and sleeps otherwise."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.busy = threading.Event()
        self.what = ""
        self.limit = 0.0
        self.deadline = float("inf")

    def begin(self, what: str, limit: float) -> None:
        if self.thread is None or not self.thread.is_alive():
            self.thread = threading.Thread(target=self.watch, name="watchdog", daemon=True)
            self.thread.start()
        doing.clear()
        self.what, self.limit, self.deadline = what, limit, time.monotonic() + limit
        self.busy.set()

    def end(self) -> None:
        self.busy.clear()
        self.deadline = float("inf")

    def watch(self) -> None:
        while True:
            self.busy.wait()
            if time.monotonic() > self.deadline:
                self.strike()
            time.sleep(min(max(self.deadline - time.monotonic(), 0.05), 1.0))

    def strike(self) -> None:
        """Say what hangs and where it stands, and end the process without asking it."""
        facts = {"work": self.what, "limit": self.limit, **doing}
        told = ", ".join(f"{name} {value}" for name, value in doing.items())
        logger.error(
            "Work that may take %.0f s (%s%s) did not end. This process stops; others go on with what it had claimed.",
            self.limit, self.what, f": {told}" if told else "", extra=facts,
        )  # fmt: skip
        faulthandler.dump_traceback(file=sys.__stderr__ or 2)
        os._exit(EXIT_HUNG)


guard = Guard()


def within(seconds: float | None, what: str, work: Callable[..., Result], *args: Any, **options: Any) -> Result:
    """Call `work` under a limit (None: a batch's)."""
    with limited(what, seconds):
        return work(*args, **options)
