"""Date-centred workflows: when their steps are due for a record, and which of them have passed (SCH-27 to SCH-31).

What a record's delays were about stays with it as their outputs: the centre day they were counted from, and whether
the time of the last one had passed when the record came to be there: then what stands between it and the next one is
skipped.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from records.criteria.expressions import known
from records.object_types import object_types
from records.problems import Problem
from workflows.definitions import centres
from workflows.definitions.centres import Centre
from workflows.definitions.definition import Definition, Step
from workflows.enrollment.doors import NO_DATE
from workflows.models import Workflow
from workflows.registries import actions
from workflows.times.wall_time import instant_of, moved, time_of, workflow_zone

if TYPE_CHECKING:
    from workflows.engine.batch import Batch, Standing
    from workflows.step_forms.params import StepContext

SLUG = "delay_to_centre"
#: How the time of a delay went by: see `delay_to_centre`.
PAST = "past"
REFUSE = """
    INSERT INTO workflows_enrollment (workflow_id, revision_id, record_id, status, step, visit, attempts, cause,
        outputs, enrolled_at, ended_at, ended_reason)
    SELECT %s, %s, found.pk, 'refused', '', 0, 0, %s::jsonb, '{}', %s, %s, %s FROM ([found]) AS found (pk)
"""


@dataclass(frozen=True)
class Timed:
    """A step of a date-centred workflow that is timed: so many days from the centre, at a time of day."""

    step: str
    days: int
    at: dt.time

    def instant(self, centre: dt.date, zone: dt.tzinfo) -> dt.datetime:
        return instant_of(moved(centre, self.days), self.at, zone)


@dataclass(frozen=True)
class Passed:
    """What the last delay of a record was about: the centre day, its state, and the instant before which is past."""

    centre: dt.date
    state: str
    since: dt.datetime
    visit: int


def timed(step: Step) -> Timed:
    days = step.params.get("days", 0)
    return Timed(step.id, days if isinstance(days, int) else 0, time_of(step.params.get("at")) or dt.time())


def timed_steps(definition: Definition) -> list[Timed]:
    return [timed(step) for step in definition.walk() if step.action == SLUG]


def last_passed(enrollment: Standing, definition: Definition) -> Passed | None:
    """The delay the record has come by last, of those counted from the centre."""
    found = None
    for step_id, output in enrollment.outputs.items():
        step = definition.by_id.get(step_id)
        if step is None or step.action != SLUG or "centre" not in output:
            continue
        if found is None or output["visit"] > found.visit:
            since = dt.datetime.fromisoformat(output["since"])
            found = Passed(dt.date.fromisoformat(output["centre"]), str(output["state"]), since, output["visit"])
    return found


def first_day(day: dt.date, definition: Definition, since: dt.datetime) -> dt.date:
    """The day the steps are counted from for who is there since `since`.

    Of a yearly centre the first one of which a step is still to come.
    """
    centre = definition.centre
    if centre is None or not centre.yearly:
        return day
    zone = workflow_zone(definition.settings)
    # A step may be years after its day, so the search begins years ago.
    steps = timed_steps(definition)
    most = max((abs(step.days) for step in steps), default=0)
    found = centres.in_year(day, max(since.astimezone(zone).year - 2 - most // 365, 1))
    while all(step.instant(found, zone) < since for step in steps):
        found = centres.in_year(day, found.year + 1)
    return found


def day_for(day: dt.date, definition: Definition, enrollment: Standing, step: Step) -> tuple[dt.date, dt.datetime]:
    """The day this step is counted from for a record that comes to it, and the instant before which is past.

    At the first step of a yearly workflow a record that has been there before begins the next year's round.
    """
    passed = last_passed(enrollment, definition)
    if passed is None:
        since = enrollment.enrolled_at
        return first_day(day, definition, since), since
    if not (definition.centre and definition.centre.yearly):
        return day, passed.since
    again = step.id == definition.first and passed.visit < enrollment.visit
    return centres.in_year(day, passed.centre.year + again), passed.since


def passing_over(batch: Batch, perform: Callable[[Batch], None]) -> bool:
    """Whether some of a batch skip their step, because their last delay had passed (SCH-30): then this has seen to it.

    The others are given to `perform`.
    """
    late = []
    for enrollment in batch.enrollments:
        passed = last_passed(enrollment, batch.definition)
        if passed is not None and passed.state == PAST:
            late.append(enrollment)
    if not late:
        return False
    batch.skip(late, "centre_passed")
    gone = {enrollment.id for enrollment in late}
    rest = batch.part([enrollment for enrollment in batch.enrollments if enrollment.id not in gone])
    if rest.enrollments:
        perform(rest)
        batch.absorb(rest)
    return True


def problems(definition: Definition) -> Iterator[Problem]:
    """What keeps a date-centred workflow from being published, and its kind of steps elsewhere."""
    document = definition.document.get("centre")
    yield from centres.problems(document, object_types[definition.object].properties())
    for step in definition.walk():
        if reason := unfit(step.action, definition.centre):
            yield Problem(f"{step.path}.action", _("%(reason)s Remove the step.") % {"reason": reason}, step.action)
    if definition.centre is None:
        return
    first = definition.by_id.get(definition.first)
    if definition.centre.yearly and first is not None and first.action != SLUG:
        message = _(
            "A workflow that repeats every year begins with “%(action)s”, so that it knows when each year's round "
            "begins. Put one first."
        )
        yield Problem(first.path, message % {"action": actions[SLUG].label}, first.action)
    elif not timed_steps(definition):
        message = _("No step is timed by the date the workflow is centred on. Add “%(action)s”.")
        yield Problem("centre", message % {"action": actions[SLUG].label}, severity="warning", code="unused")


def unfit(action: str, centre: Centre | None) -> str:
    """Why an action has no place in a workflow with this centre, as a sentence; "" where it has (SCH-29)."""
    if action == SLUG and centre is None:
        return _("Only a workflow that is centred on a date can wait for a time before or after it.")
    if centre is not None and action != SLUG and action.startswith("delay"):
        return _("A date-centred workflow has no delays but those before and after its date.")
    return ""


def blank(workflow: Workflow, ids: Collection[int]) -> dict[int, str]:
    """Of these records, those that cannot enter because the date everything is counted from is blank."""
    records = undated(workflow)
    if records is None or not ids:
        return {}
    return dict.fromkeys(records.filter(pk__in=ids).values_list("pk", flat=True), NO_DATE)


def undated(workflow: Workflow) -> QuerySet[Any] | None:
    """The records whose centre date is blank; None where the live workflow has no date property as its centre."""
    if workflow.live is None:
        return None
    centre = centres.read(workflow.live.definition.get("centre"))
    kind = object_types[workflow.object_type]
    prop = kind.properties().get(centre.property) if centre and centre.property else None
    return None if prop is None else kind.records().exclude(known(prop))


def refuse_undated(workflow: Workflow, found: QuerySet[Any], cause: dict[str, Any], now: dt.datetime) -> QuerySet[Any]:
    """Keep in the history which of these records cannot enter for want of a date; those that can."""
    records = undated(workflow)
    if records is None:
        return found
    missing = found.filter(pk__in=records.values("pk"))
    sql, params = missing.order_by().values_list("pk").query.sql_with_params()
    facts = [workflow.pk, workflow.live_id, json.dumps(cause), now, now, NO_DATE]
    with connection.cursor() as cursor:
        cursor.execute(REFUSE.replace("[found]", sql), [*facts, *params])
    return found.exclude(pk__in=records.values("pk"))


def centre_words(context: StepContext) -> str:
    """What the workflow is centred on, as part of a sentence: "May 1, 2027", "Close date"."""
    centre = context.definition.centre
    if centre is None:
        return _("the date")
    if centre.date is not None:
        return date_format(centre.date, "MONTH_DAY_FORMAT") if centre.yearly else date_format(centre.date)
    prop = context.properties.get(centre.property)
    return str(prop.label) if prop else centre.property or _("the date")
