"""What a clock does now and then besides ringing: its sign of life, queues, the search for what is stuck, sweeping."""

from __future__ import annotations

import datetime as dt
import os
import socket

from records.saving import erasing
from workflows.engine import closing_up, tallying
from workflows.health import alerting, digesting, notifying, stuck
from workflows.history import issues, retention

SIGN_OF_LIFE = dt.timedelta(seconds=5)
QUEUES = dt.timedelta(seconds=5)
SEARCH = dt.timedelta(minutes=1)
SWEEP = dt.timedelta(hours=1)
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


class Rounds:
    """When each was done last by this clock. Several clocks may do the same; none is worse for it."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:80]}:{os.getpid()}"
        self.started_at: dt.datetime | None = None
        self.alive_at = self.queued_at = self.swept_at = NEVER
        #: What is still to be looked for: one rule at a time, so that no bell has to wait for all of them.
        self.rules: list[stuck.Rule] = []
        #: Whether there may be more to forget: one portion at a time.
        self.pruning = False
        #: The first search waits a minute: after a pause of everything much is late that is being done just now.
        self.searched_at: dt.datetime | None = None

    def make(self, now: dt.datetime) -> None:
        """Do what is due at `now`, the database's time."""
        if self.started_at is None:
            self.started_at = self.searched_at = now
        if now - self.alive_at >= SIGN_OF_LIFE:
            alerting.beat(self.name, self.started_at, now)
            self.alive_at = now
        if now - self.queued_at >= QUEUES:
            self.queued_at = now
            closing_up.close_up(now)
        if self.searched_at is not None and now - self.searched_at >= SEARCH:
            self.searched_at = now
            self.rules = list(stuck.RULES.values())
            alerting.tell_failures(now)
            issues.gather(now)
        elif self.rules:
            alerting.watch(now, [self.rules.pop(0)])
        if now - self.swept_at >= SWEEP:
            self.swept_at = now
            tallying.forget(now)
            notifying.tell_jumps(now)
            digesting.digest(now)
            self.pruning = True
        elif self.pruning:
            self.pruning = (retention.prune(now) or erasing.erase(now)) > 0
