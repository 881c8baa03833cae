"""The clock: does on time what the doorbell does on change, and hears of changes no signal tells.

Any number may run. It keeps nothing in memory that matters, so it can be killed at any moment.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections, transaction

from records.clock import database_now
from records.partitions import ensure_partitions
from workflows import chores, doorbell
from workflows.engine.waiting import look
from workflows.outbox.requesting import send_due
from workflows.processes.rounds import Rounds
from workflows.processes.ticking import tick

logger = logging.getLogger(__name__)

CHANNEL = "headrace_changes"
PARTITIONED = ("records_change", "records_event", "workflows_stepexecution")
PARTITIONS_LOCK = (7301, 2)
BEAT = 1.0
#: Seconds something may be due before the clock asks whether any worker is there, and lends a hand where none is.
PATIENCE = 10.0
HELP_SECONDS = 2.0
LONGEST_PAUSE = 5.0
LOST = (DatabaseError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


def gone(error: Exception) -> bool:
    """Whether the database is away or takes nothing: a new line to it, after a while, may find it well again."""
    if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
        return isinstance(error.__cause__, psycopg.errors.ReadOnlySqlTransaction)
    return True


class Clock:
    """Listens and looks until it is stopped; outlives restarts of PostgreSQL and of Redis."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.listener: Any = None
        self.pause = 0.0
        self.looked_at = 0.0
        self.partitions_for: dt.date | None = None
        self.rounds = Rounds()
        self.sender: threading.Thread | None = None

    def stop(self, *_signal: Any) -> None:
        """Ask the loop to end; it does within about a second."""
        self.stopped.set()

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                self.beat()
                self.pause = 0.0
            except LOST as error:
                if not gone(error):
                    raise
                self.pause = min(max(self.pause * 2, 0.2), LONGEST_PAUSE)
                logger.warning("The database does not answer (%s); trying again.", str(error).strip())
                self.disconnect()
                self.stopped.wait(self.pause)
        self.disconnect()

    def beat(self) -> None:
        """Wait for a change, a second at most, and see to what is due."""
        if self.listener is None:
            self.listen()
        heard = list(self.listener.connection.notifies(timeout=self.until_next_look(), stop_after=1))
        if heard and self.looked_at + BEAT > time.monotonic():
            # Whoever takes steps looks for changes afterwards, those of the steps among them.
            if any(note.payload != "workflow" for note in heard) and not doorbell.ring("high"):
                self.work()
            return
        self.looked_at = time.monotonic()
        now = database_now()
        self.look_after_partitions(now)
        waiting = self.waiting_since(now)
        if waiting is not None:
            rung = doorbell.ring("high") and doorbell.ring("bulk")
            if not rung or (now - waiting > dt.timedelta(seconds=PATIENCE) and not doorbell.attended("bulk")):
                self.work()
        self.rounds.make(now)

    def until_next_look(self) -> float:
        return min(max(self.looked_at + BEAT - time.monotonic(), 0.0), BEAT)

    def listen(self) -> None:
        """Hear of changes on a connection of its own, which waits and does nothing else."""
        listener = connections.create_connection("default")
        listener.ensure_connection()
        with listener.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self.listener = listener

    def disconnect(self) -> None:
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        connection.close()

    def waiting_since(self, now: dt.datetime) -> dt.datetime | None:
        """Since when the oldest work has been due; None when nothing is."""
        waiting = look()
        if waiting.requests is not None:
            doorbell.ring(doorbell.OUTSIDE)
        found = (waiting.since, chores.waiting_since(now))
        return min((moment for moment in found if moment is not None), default=None)

    def work(self) -> None:
        """Do what workers should: nobody could be told, or nobody came."""
        end = time.monotonic() + HELP_SECONDS
        self.send_requests()
        tick(database_now(), go_on=lambda: not self.stopped.is_set() and time.monotonic() < end, requests=False)

    def send_requests(self) -> None:
        """Send requests aside, so that the clock waits for no other system."""
        if look().requests is None or (self.sender is not None and self.sender.is_alive()):
            return

        def send() -> None:
            try:
                send_due(database_now, go_on=lambda: not self.stopped.is_set())
            except LOST as error:
                logger.warning("Requests could not be sent (%s); trying again.", str(error).strip())
            finally:
                connection.close()

        self.sender = threading.Thread(target=send, name="requests", daemon=True)
        self.sender.start()

    def look_after_partitions(self, now: dt.datetime) -> None:
        """Once a day make sure the tables that grow have their partitions; one clock at a time."""
        if self.partitions_for == now.date():
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", PARTITIONS_LOCK)
            for table in PARTITIONED:
                ensure_partitions(table, now)
        self.partitions_for = now.date()
