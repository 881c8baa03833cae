"""One pass over everything that is due: changes, enrollments, deliveries, and what dead workers left behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from workflows import chores
from workflows.engine import taking_steps, tallying
from workflows.intake.dispatching import dispatch
from workflows.models import Enrollment
from workflows.outbox import delivering, requesting
from workflows.watchdog import DELIVERING, LONG, within


@dataclass
class Ticked:
    """What a pass did."""

    changes: int = 0
    enrolled: int = 0
    steps: int = 0
    deliveries: int = 0
    recovered: int = 0
    chores: int = 0


def tick(now: dt.datetime, *, go_on: Callable[[], bool] = lambda: True, requests: bool = True) -> Ticked:
    """Do everything due at `now` until nothing is left, or until `go_on` says no; with `requests` also those."""
    newest = newest_enrollment()
    done = Ticked(recovered=taking_steps.recover(now) + delivering.recover())
    while go_on():
        changes = within(LONG, "changes", dispatch, now)
        steps = within(None, "steps", taking_steps.run_due, now)
        deliveries = within(DELIVERING, "deliveries", delivering.deliver, now)
        if requests:
            deliveries += within(LONG, "requests", requesting.send_due, lambda: now, go_on=go_on)
        done.changes += changes
        done.steps += steps
        done.deliveries += deliveries
        others = within(LONG, "chores", chores.work, now)
        done.chores += others
        if not (changes or steps or deliveries or others):
            break
    tallying.flush()
    done.enrolled = Enrollment.objects.filter(pk__gt=newest).count()
    return done


def newest_enrollment() -> int:
    return Enrollment.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
