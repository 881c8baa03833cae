"""Dispatching: what the journal has new becomes enrollments and unenrollments, exactly once.

What raises an error is set aside alone (workflows.intake.isolating): nobody else waits for it.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time

from django.db import OperationalError, connection, transaction
from psycopg import errors

from records.outages import outage, passing
from workflows.failpoints import reach
from workflows.health import timing
from workflows.intake import discarding, parts, setting_aside, taking
from workflows.intake.isolating import Care

logger = logging.getLogger(__name__)

#: How often a transaction that ended in a deadlock is tried.
ATTEMPTS = 3
#: Changes a log line names at most.
NAMED = 5


def dispatch(now: dt.datetime, limit: int = 1000) -> int:
    """`dispatch_once`, and again with care where something in it raises.

    Raises OperationalError and InterfaceError, as without a database there is nothing to do. What even care cannot
    set aside is logged and stays in the queue, where the search for what is stuck finds it; steps and deliveries go
    on meanwhile.
    """
    try:
        return persistently(now, limit)
    except Exception as error:
        if outage(error):
            raise
        logger.warning("A round of dispatching has raised, and is done again part by part.", exc_info=True)
    try:
        return persistently(now, limit, careful=True)
    except Exception as error:
        if passing(error):
            raise
        logger.exception("Changes cannot be dispatched, and stay in the queue.")
        return 0


def persistently(now: dt.datetime, limit: int, *, careful: bool = False) -> int:
    """`dispatch_once`, again where it was the one the database chose to end a deadlock with a batch of steps."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return dispatch_once(now, limit, careful=careful)
        except OperationalError as error:
            deadlock = isinstance(error.__cause__, errors.DeadlockDetected)
            if not deadlock or attempt == ATTEMPTS or connection.in_atomic_block:
                raise
            time.sleep(random.uniform(0.01, 0.1) * attempt)
    return 0


def dispatch_once(now: dt.datetime, limit: int, *, careful: bool = False) -> int:
    """Take the oldest pending changes and events, at most `limit` of each, and enroll, unenroll and wake whom they
    call for.

    Everything is one transaction: a change is gone from the queue when, and only when, its effects are committed, or
    it is set aside for what could not be done with it. Returns how many were taken or tried again, and waits for
    events checked; 0 means that nothing is waiting.
    """
    anything, crowded = taking.glance(now)
    if not anything:
        return 0
    began = time.monotonic()
    with transaction.atomic():
        idle = 0
        if crowded:
            taking.lock_dispatching()
            idle = discarding.discard()
        taken = taking.take(now, limit)
        care = Care(careful=careful, held=None if taken.hindered is None else setting_aside.held())
        pending, told = taken.changes, taken.events
        if parts.derive(pending, now, care):
            told += taking.take_events(limit)
        reach("after_take")
        checked = parts.see_to(taken, told, now, care)
        if care.aside:
            setting_aside.keep(care.aside, now)
        again = setting_aside.try_again(now, parts.try_again) if taken.hindered else 0
        reach("before_dispatch_commit")
    reach("after_dispatch_commit")
    if pending:
        seconds = round(time.monotonic() - began, 4)
        timing.took(timing.DISPATCH, seconds)
        facts = {"changes": len(pending), "change_ids": [change.change_id for change in pending[:NAMED]]}
        logger.info("%d changes dispatched in %.3f s", len(pending), seconds, extra={**facts, "seconds": seconds})
    return idle + len(pending) + len(told) + checked + again
