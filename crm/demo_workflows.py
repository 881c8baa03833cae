"""The demo workflows: the ready-made goals, published and enrolling what the demo data holds."""

from __future__ import annotations

import datetime as dt

from workflows.ticking import tick

from crm.goals import GOALS
from crm.models import User
from workflows import drafting, publishing

#: Passes of the engine at most, so that a fault cannot keep the first start busy for ever.
PASSES = 50


def start(*, by: User, now: dt.datetime) -> None:
    """Publish every goal for the records that match it, and run what is due, so that history and waits are there."""
    for goal in GOALS:
        definition = goal.definition
        workflow = drafting.create(definition["name"], definition["object"], by, definition=definition)
        publishing.publish(workflow, by=by, now=now, enroll_existing=True)
    for _ in range(PASSES):
        ticked = tick(now)
        if not (ticked.changes or ticked.enrolled or ticked.steps):
            break
