"""Who runs scripts: a thread beside the work of a worker or a clock, so that neither waits for one.

Bells are heard by the chore, in the process's own thread; it wakes the keeper where there is one. A process without
one (`workflow_tick`, tests) runs what waits itself.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from records.clock import database_now
from workflows.chores import Chore
from workflows.code.running import run_waiting, waiting_since

logger = logging.getLogger(__name__)

#: Seconds scripts under way get when their process is asked to stop.
PATIENCE = 5.0
#: Seconds between two looks at what waits when nobody rings: enough for what comes due by itself.
LOOK = 5.0


class Keeper:
    """Runs scripts in a thread of its own until it is stopped."""

    def __init__(self) -> None:
        self.bell, self.stopping = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.keep, name="custom code", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """Break off what is under way and end; others take it up."""
        self.stopping.set()
        self.bell.set()
        self.thread.join(PATIENCE)

    def round(self) -> int:
        """Run some of what is due now; how many there were."""
        now = database_now()
        if waiting_since(now) is None:
            return 0
        return run_waiting(now, at_once=at_once(), go_on=lambda: not self.stopping.is_set())

    def keep(self) -> None:
        while not self.stopping.is_set():
            self.bell.wait(LOOK)
            self.bell.clear()
            if self.stopping.is_set():
                return
            try:
                while self.round():
                    pass
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The database does not answer (%s); custom code is run later.", str(error).strip())
            except Exception:
                # A thread that ends is not started again, and whoever waits for scripts would wait for good.
                logger.exception("Running custom code failed; it is tried again.")
            finally:
                # The next look may be long in coming: the line is not held meanwhile.
                connection.close()


#: The keeper of this process, where it has one.
keepers: list[Keeper] = []


def at_once() -> int:
    """How many scripts one process runs at a time."""
    return int(getattr(settings, "CUSTOM_CODE_AT_ONCE", 2))


@contextmanager
def keeping() -> Iterator[None]:
    """Have scripts run beside what is done in the block."""
    keeper = Keeper()
    keepers.append(keeper)
    keeper.start()
    try:
        yield
    finally:
        keepers.remove(keeper)
        keeper.stop()


def work(now: dt.datetime) -> int:
    """Run what waits, or have this process's keeper do it; how many were run here."""
    if keepers:
        keepers[0].bell.set()
        return 0
    return run_waiting(now, at_once=at_once())


CHORE = Chore(waiting_since, work)
