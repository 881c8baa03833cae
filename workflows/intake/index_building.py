"""Indexes for filters on dates are built beside everything else: on a big table that takes longer than work may take.

A thread of its own with a connection of its own does it, in one process at a time (records.crossings). When that ends
before the index is ready, the next one that looks builds it anew; workers and clocks go on meanwhile, and until then
such filters read that one property of every record.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time

from django.db import connection

from records import crossings
from workflows.watchdog import batch_seconds

logger = logging.getLogger(__name__)

#: Seconds after a build that failed (a full disk, say) before it is tried again.
PAUSE = 600.0
#: Seconds to leave it to another process that is at it.
PATIENCE = 10.0


class Building:
    """The thread of this process that builds, if there is one."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.resting_until = 0.0

    def begin(self, now: dt.datetime) -> None:
        """Begin to build what is missing, unless that is being done or has failed a moment ago."""
        if (self.thread and self.thread.is_alive()) or time.monotonic() < self.resting_until:
            return
        self.thread = threading.Thread(target=self.build, args=(now,), name="indexes", daemon=True)
        self.thread.start()

    def build(self, now: dt.datetime) -> None:
        try:
            if not crossings.build_indexes(now):
                self.resting_until = time.monotonic() + PATIENCE
        except Exception:
            logger.exception("An index was not built; tried again in %.0f minutes.", PAUSE / 60)
            self.resting_until = time.monotonic() + PAUSE
        finally:
            connection.close()

    def finish(self) -> None:
        """Wait until what was begun is ready: for processes that end when they have done what was due."""
        if self.thread:
            self.thread.join()


building = Building()


def work(now: dt.datetime) -> int:
    """Build what is missing: at once where nobody watches how long work takes, beside everything else otherwise."""
    if not batch_seconds() or connection.in_atomic_block:
        return crossings.build_indexes(now)
    building.begin(now)
    return 0
