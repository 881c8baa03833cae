"""When a step of a sequence is due."""

from __future__ import annotations

import datetime as dt

from crm.models import Sequence, SequenceStep
from crm.tasks.timing import due_at, to_workday
from workflows.times.wall_time import instant_of, moved


def due_of(step: SequenceStep, sequence: Sequence, since: dt.datetime) -> dt.datetime:
    """The instant of a step, its days counted from an instant: the enrollment, or when the step before was taken."""
    return due_at(since, {"days": step.days}, step.at, workdays=sequence.workdays, zone=sequence.time_zone)


def not_before(step: SequenceStep, sequence: Sequence, now: dt.datetime) -> dt.datetime | None:
    """When a step that is due at `now` may be taken: None for at once, on a weekend the next workday."""
    here = now.astimezone(sequence.time_zone)
    days = to_workday(here.date()) if sequence.workdays else 0
    if not days:
        return None
    return instant_of(moved(here.date(), days), step.at or here.time(), sequence.time_zone)
