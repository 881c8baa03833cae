"""Scheduling: every instant of a schedule enrolls whoever matches then, once, with any number of clocks.

An instant is fired by writing its run, in the transaction that puts the schedule forward: the row cannot be written
twice. With the run the records that match are written down by one statement. They are enrolled from there, so many at
a time, and each is taken from the list in the transaction that enrolls it: whatever dies in between, the next worker
goes on.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, QuerySet

from records.outages import outage
from records.problems import DocumentError
from workflows import doorbell
from workflows.chores import Chore
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.enrollment.doors import closed_because
from workflows.enrollment.enrolling import locked
from workflows.health import unreadable
from workflows.models import Revision, Schedule, ScheduleRun, Workflow
from workflows.schedules import rules, runs
from workflows.schedules.instants import Rule, firings, next_firing
from workflows.schedules.matching import matching
from workflows.schedules.runs import go_on, running
from workflows.times.wall_time import workflow_zone, zone_named

logger = logging.getLogger(__name__)

State = ScheduleRun.State
#: How late an instant may be fired that nobody was there for, and how many of a schedule's are made up for at most.
CATCH_UP = dt.timedelta(days=1)
CATCH_UP_MOST = 24
SNAPSHOT = "INSERT INTO workflows_scheduledrecord (run_id, record_id) SELECT %s, found.pk FROM ({sql}) AS found (pk)"


def catch_up() -> dt.timedelta:
    hours = getattr(settings, "WORKFLOW_SCHEDULE_CATCH_UP_HOURS", None)
    return CATCH_UP if hours is None else dt.timedelta(hours=hours)


def zone_of(definition: Definition) -> Any:
    """Whose clocks a schedule follows: its own zone's where it names one, else the workflow's (SCH-26)."""
    schedule = definition.trigger.document.get("schedule")
    own = zone_named(str(schedule.get("timezone") or "")) if isinstance(schedule, dict) else None
    return own or workflow_zone(definition.settings)


def rule_of(definition: Definition) -> Rule | None:
    """The rule of a schedule trigger; None for other triggers, and while it is not finished."""
    if definition.trigger.kind != "schedule":
        return None
    return rules.read(definition.trigger.document.get("schedule") or {})[0]


def upcoming(definition: Definition, now: dt.datetime, count: int = 5) -> list[dt.datetime]:
    """The next instants at which a definition's schedule would fire."""
    rule, found = rule_of(definition), []
    for instant in firings(rule, zone_of(definition), now) if rule else ():
        found.append(instant)
        if len(found) == count:
            break
    return found


def plan(workflow: Workflow, definition: Definition, now: dt.datetime, before: Revision | None = None) -> None:
    """Have the workflow fire as a definition says, from `now` on: at once, whatever was planned before (SCH-16).

    `before` is the revision that was live: where its trigger was another one, its runs end where they are. For the
    transaction that publishes it.
    """
    if before is not None and before.definition.get("trigger") != definition.trigger.document:
        runs.stop_all(workflow, now)
    rule, zone = rule_of(definition), zone_of(definition)
    if rule is None:
        Schedule.objects.filter(workflow=workflow).update(next_at=None, since=now)
        return
    # An instant may have been fired by a clock that is a little ahead of the publisher's.
    seen = Schedule.objects.filter(workflow=workflow).first()
    since = max(now, seen_to(seen) or now) if seen else now
    facts = {
        "rule": definition.trigger.document["schedule"], "zone": zone.key, "since": since,
        "next_at": next_firing(rule, zone, since), "tries": 0, "again_at": None,
    }  # fmt: skip
    Schedule.objects.update_or_create(workflow=workflow, defaults=facts)


def seen_to(schedule: Schedule) -> dt.datetime | None:
    """Up to when instants of a schedule have been fired, or kept as missed; None before the first."""
    newest = ScheduleRun.objects.filter(schedule=schedule).order_by("-at").first()
    return max(newest.at, newest.until or newest.at) if newest else None


def planned() -> QuerySet[Schedule]:
    """The schedules of workflows that records may enter."""
    return Schedule.objects.filter(workflow__status__in=Workflow.OPEN, workflow__deleted_at=None)


def newest_run() -> int:
    return ScheduleRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def runs_after(pk: int) -> QuerySet[ScheduleRun]:
    """The runs written after one, in order."""
    return ScheduleRun.objects.filter(pk__gt=pk).select_related("schedule").order_by("pk")


def next_time(schedule: Schedule) -> dt.datetime | None:
    """When a schedule fires next; None while its workflow is off, and for one that has fired for the last time."""
    if schedule.next_at is None or closed_because(schedule.workflow):
        return None
    rule = rules.read(schedule.rule)[0]
    zone = zone_named(schedule.zone)
    since = since_of(schedule)
    if schedule.next_at > since or rule is None or zone is None:
        return schedule.next_at
    return next_firing(rule, zone, since)


def since_of(schedule: Schedule) -> dt.datetime:
    """Instants up to this one are no business of the schedule's: it was another one, or its workflow was off."""
    return max(schedule.since, schedule.workflow.turned_on_at or schedule.since)


def due(now: dt.datetime) -> QuerySet[Schedule]:
    return planned().filter(runs.rested(now), next_at__lte=now).order_by("next_at")


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when an instant waits to be fired, or a run to go on; None when none does."""
    first = due(now).aggregate(first=Min("next_at"))["first"]
    begun = running().filter(runs.rested(now)).aggregate(first=Min("fired_at"))["first"]
    return min((moment for moment in (first, begun) if moment is not None), default=None)


def work(now: dt.datetime) -> int:
    """Fire what is due and enroll some records of each run; how much was done, 0 when nothing is left."""
    done = sum(attempt(pk, now) for pk in list(due(now).values_list("workflow", flat=True)[:100]))
    begun = list(running().filter(runs.rested(now)).select_related("schedule")[:20])
    return done + sum(alone(partial(go_on, run, now), ScheduleRun.objects.filter(pk=run.pk), now) for run in begun)


def alone(do: Callable[[], int], of: QuerySet[Schedule] | QuerySet[ScheduleRun], now: dt.datetime) -> int:
    """Do something for one schedule or run; where it raises an error it is put off, and keeps no other from its turn.

    Raises OperationalError and InterfaceError, as without a database there is nothing to do.
    """
    try:
        with transaction.atomic():
            return do()
    except Exception as error:
        if outage(error):
            raise
        logger.exception("A schedule failed (%s %s).", of.model.__name__, list(of.values_list("pk", flat=True)))
        runs.put_off(of, now)
        return 0


def attempt(workflow_id: int, now: dt.datetime) -> int:
    """Fire a workflow's schedule; one that cannot be read any more is turned off, and the others are fired."""
    return alone(partial(fire_or_turn_off, workflow_id, now), Schedule.objects.filter(workflow=workflow_id), now)


def fire_or_turn_off(workflow_id: int, now: dt.datetime) -> int:
    try:
        return fire(workflow_id, now)
    except DocumentError as error:
        with transaction.atomic():
            unreadable.turn_off([locked(Workflow(pk=workflow_id))], error, now)
        return 1


def fire(workflow_id: int, now: dt.datetime) -> int:
    """Fire the instants of a workflow's schedule up to `now` that nobody has fired; how many there were.

    Those that come too late are kept as missed.
    """
    with transaction.atomic():
        # The workflow first, as everybody does who publishes, switches or enrolls.
        workflow = locked(Workflow(pk=workflow_id))
        schedule = due(now).filter(workflow=workflow).select_for_update(of=("self",)).first()
        if schedule is None or workflow.live is None:
            return 0
        schedule.workflow = workflow
        definition = parse(workflow.live.definition)
        rule, zone = rule_of(definition), zone_named(schedule.zone)
        if rule is None or zone is None:
            Schedule.objects.filter(pk=schedule.pk).update(next_at=None)
            return 0
        caught, missed, upto = gather(schedule, rule, zone, now)
        if missed is not None:
            missed.save()
        for instant in caught:
            begin(schedule, definition, rule, zone, instant, now)
        Schedule.objects.filter(pk=schedule.pk).update(next_at=next_firing(rule, zone, upto), tries=0, again_at=None)
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return max(len(caught), 1)


def gather(
    schedule: Schedule, rule: Rule, zone: dt.tzinfo, now: dt.datetime
) -> tuple[list[dt.datetime], ScheduleRun | None, dt.datetime]:
    """The instants to fire now, the one line for those that were missed, and up to when all are accounted for.

    Only the newest are made up for, as far as they are not too old: firing a thousand times at once what should have
    been fired in a week would do nobody a service.
    """
    assert schedule.next_at is not None
    start = max(schedule.next_at - dt.timedelta(microseconds=1), since_of(schedule))
    # What has a run was seen to, whatever the schedule says: its row cannot be written twice.
    start = max(start, seen_to(schedule) or start)
    newest: deque[dt.datetime] = deque()
    first = last = None
    times = 0
    for instant in firings(rule, zone, start):
        if instant > now:
            break
        newest.append(instant)
        while newest and (len(newest) > CATCH_UP_MOST or newest[0] < now - catch_up()):
            last = newest.popleft()
            first, times = first or last, times + 1
    if first is None:
        return list(newest), None, max(now, start)
    line = ScheduleRun(
        schedule=schedule, at=first, until=last, times=times, state=State.MISSED, fired_at=now, ended_at=now
    )
    return list(newest), line, max(now, start)


def begin(
    schedule: Schedule, definition: Definition, rule: Rule, zone: Any, instant: dt.datetime, now: dt.datetime
) -> None:
    """Write down the run of an instant and the records that match, by one statement."""
    run = ScheduleRun.objects.create(schedule=schedule, at=instant, state=State.RUNNING, fired_at=now)
    records = matching(definition, rule, zone, instant)
    sql, params = records.order_by().values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('jit', 'off', true)")
        cursor.execute(SNAPSHOT.format(sql=sql), [run.pk, *params])
        run.matched = cursor.rowcount
    run.save(update_fields=["matched"])


CHORE = Chore(waiting_since, work)
