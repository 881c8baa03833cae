"""Execution windows and pause dates: when a workflow's actions may run (SET-02 to SET-07)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from workflows.definition import Definition


@dataclass(frozen=True)
class Closed:
    """Nothing may act now, for a reason of workflows.reasons; from `until` on it may."""

    until: dt.datetime
    reason: str

    def opens_for(self, enrollment_id: int) -> dt.datetime:
        """When one enrollment's action runs."""
        return self.until


def closed_at(definition: Definition, now: dt.datetime) -> Closed | None:
    """Why and until when the workflow's actions may not run at `now`; None when they may."""
    return None
