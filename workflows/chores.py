"""Background work of the packages above, which shares the clock, the workers and `workflow_tick`."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass

from records.outages import outage

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """Something that may wait to be done.

    `waiting_since(now)` tells since when work has been waiting (None: nothing is), cheaply, as it is asked every
    second; `work(now)` does some of it, a few seconds at most, and returns how much. Several processes may call it.
    """

    waiting_since: Callable[[dt.datetime], dt.datetime | None]
    work: Callable[[dt.datetime], int]


chores: list[Chore] = []


def work(now: dt.datetime) -> int:
    """Do some of every chore; how much was done. One that fails is logged and does not keep the others from theirs.

    Raises OperationalError and InterfaceError, as without a database there is nothing to do.
    """
    return sum(attempt(chore, now) for chore in chores)


def attempt(chore: Chore, now: dt.datetime) -> int:
    try:
        return chore.work(now)
    except Exception as error:
        if outage(error):
            raise
        logger.exception("A chore failed (%s).", chore.work.__module__)
        return 0


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the oldest chore has been waiting; None when none is."""
    return min((since for chore in chores if (since := chore.waiting_since(now)) is not None), default=None)
