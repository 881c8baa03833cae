"""Times that have passed before anybody can wait for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from records.problems import Problem
from workflows.definitions.definition import Definition, Step
from workflows.definitions.settings_checks import turn_off_at
from workflows.registries import actions
from workflows.reviewing.conditions import DECIDING
from workflows.schedules.scheduling import rule_of, upcoming
from workflows.step_forms.time_fields import moment_of
from workflows.times.wall_time import instant_of, workflow_zone

#: Records' own clocks are so far apart from the workflow's at most.
APART = dt.timedelta(hours=26)


def problems(definition: Definition, now: dt.datetime) -> Iterator[Problem]:
    yield from past_delays(definition, now)
    yield from past_centre(definition, now)
    yield from ended_before(definition, now)
    yield from ended_on_the_way(definition, now)


def past_delays(definition: Definition, now: dt.datetime) -> Iterator[Problem]:
    zone = workflow_zone(definition.settings)
    fires = next(iter(upcoming(definition, now, 1)), now)
    for step in definition.walk():
        moment = moment_of(step.params.get("at")) if step.action == "delay_until_date" else None
        if moment is None:
            continue
        margin = APART if step.params.get("zone") == "record" else dt.timedelta(0)
        until = instant_of(moment.date(), moment.time(), zone) + margin
        if until <= max(now, fires):
            message = _("%(when)s has passed, so nobody waits here. Choose a later date, or remove the step.")
            if until > now:
                message = _(
                    "The schedule fires for the first time after %(when)s, so nobody waits here. Choose a later date, "
                    "or remove the step."
                )
            when = date_format(moment, "DATETIME_FORMAT")
            facts = {"when": when if margin else f"{when} ({zone})"}
            yield Problem(f"{step.path}.params.at", message % facts, severity="warning", code="past")


def past_centre(definition: Definition, now: dt.datetime) -> Iterator[Problem]:
    """The day everything is timed by was before today, and does not come again."""
    centre = definition.centre
    if centre is None or centre.date is None or centre.yearly:
        return
    after = [step.params.get("days") for step in definition.walk() if step.action == "delay_to_centre"]
    last = max((days for days in after if isinstance(days, int) and not isinstance(days, bool)), default=0)
    today = now.astimezone(workflow_zone(definition.settings)).date()
    if centre.date + dt.timedelta(days=max(last, 0)) < today:
        message = _("%(day)s and everything that is timed by it has passed. Choose a later date.")
        facts = {"day": date_format(centre.date, "DATE_FORMAT")}
        yield Problem("centre.date", message % facts, severity="warning", code="past")


def ended_before(definition: Definition, now: dt.datetime) -> Iterator[Problem]:
    """The schedule fires for the first time when the workflow is off already, or never."""
    off, times = turn_off_at(definition), upcoming(definition, now, 1)
    if not times and rule_of(definition) is not None:
        message = _("The schedule never fires: its time has passed, or there are no such days. Change it.")
        yield Problem("trigger.schedule", message, severity="warning", code="never_fires")
    if off is not None and off > now and times and times[0] >= off:
        message = _("The workflow is turned off before its schedule fires for the first time. Turn it off later.")
        yield Problem("settings.turn_off_at", message, severity="warning", code="past")


def ended_on_the_way(definition: Definition, now: dt.datetime) -> Iterator[Problem]:
    """The workflow is off before anybody who enters from now on comes to a step that does something (LIF-02)."""
    off = turn_off_at(definition)
    start = next(iter(upcoming(definition, now, 1)), now)
    if off is None or off <= start or definition.first not in definition.by_id:
        return
    arrives = arrivals(definition, start, off)
    for step in definition.walk():
        if not actions[step.action].flow and arrives.get(step.id, start) >= off:
            message = _(
                "The workflow is turned off before anybody who enters from now on comes here, so this step is always "
                "skipped. Turn it off later, or let the records wait less."
            )
            yield Problem(step.path, message, severity="warning", code="past")
            return


def arrivals(definition: Definition, start: dt.datetime, end: dt.datetime) -> Mapping[str, dt.datetime]:
    """When records that enter at `start` come to each step at the earliest; after `end` nothing is told apart."""
    found: dict[str, dt.datetime] = {}
    waiting = [(start, definition.first)]
    while waiting:
        at, step_id = heappop(waiting)
        if step_id in definition.by_id and step_id not in found:
            found[step_id] = at
            step = definition.by_id[step_id]
            left = at if at >= end else max(at, left_at(step, at, definition))
            for target in ways_on(step, definition):
                heappush(waiting, (left, target))
    return found


def ways_on(step: Step, definition: Definition) -> list[str]:
    """Where records may go on from a step; nobody passes by branches of which the last takes all who are left."""
    last = step.branches[-1] if step.branches and step.action in DECIDING else None
    if last is not None and not last.criteria and not last.values:
        return [definition.first_in(step.id, index) for index in range(len(step.branches))]
    return definition.leads_to(step)


def left_at(step: Step, at: dt.datetime, definition: Definition) -> dt.datetime:
    """When a record that comes to a step at an instant goes on, where the step's setting alone says so."""
    if step.action == "delay":
        amount = {unit: step.params.get(unit) for unit in ("days", "hours", "minutes")}
        return at + dt.timedelta(**{unit: n for unit, n in amount.items() if isinstance(n, int)})
    moment = moment_of(step.params.get("at")) if step.action == "delay_until_date" else None
    if moment is None:
        return at
    margin = APART if step.params.get("zone") == "record" else dt.timedelta(0)
    return instant_of(moment.date(), moment.time(), workflow_zone(definition.settings)) - margin
