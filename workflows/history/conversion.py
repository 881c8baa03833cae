"""How records get through a workflow, step by step: for workflows whose settings track metrics (SET-11).

Read from the log when somebody asks, from the publication on that turned metrics on: what happened before is not
counted, and nothing is written beside the log.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from records.outages import cut_short
from workflows.definitions.definition import Definition
from workflows.enrollment.status_filter import met_goal
from workflows.lifecycle.following import read
from workflows.models import Enrollment, Revision, Workflow
from workflows.registries import actions

#: How long the log is read, at most.
PATIENCE = "20s"
COUNT = """
    SELECT x.step, max(x.action),
        count(DISTINCT (x.enrollment_id, x.visit)),
        count(*) FILTER (WHERE x.outcome = 'success'),
        count(*) FILTER (WHERE x.outcome = 'skipped'),
        count(*) FILTER (WHERE x.outcome = 'failed')
    FROM workflows_stepexecution x JOIN workflows_enrollment e ON e.id = x.enrollment_id
    WHERE e.workflow_id = %(workflow)s AND x.at >= %(since)s AND x.revision_id = ANY(%(revisions)s)
    GROUP BY x.step
"""


class TookTooLong(Exception):
    """The log is too long to be counted while somebody waits."""


@dataclass(frozen=True)
class StepFigures:
    """How often records came to a step, and how that ended; who is still there is in none of the last three.

    `number` is the step's in the version shown, None for one that is gone.
    """

    step: str
    number: int | None
    name: str
    reached: int
    done: int
    skipped: int
    failed: int

    @property
    def share_done(self) -> int:
        """The part of those that came that got through it, in percent."""
        return round(100 * self.done / self.reached) if self.reached else 0


@dataclass(frozen=True)
class Figures:
    """The metrics of a workflow since they were turned on; `versions` are the numbers one may choose from.

    `met_goal` is how many of those enrolled have met the goal, inside or after having completed the workflow; None
    without a goal (GOL-03).
    """

    since: dt.datetime
    versions: list[int]
    enrolled: int
    completed: int
    steps: list[StepFigures]
    met_goal: int | None = None

    @property
    def goal_rate(self) -> int:
        """The part of those enrolled that has met the goal, in percent."""
        return round(100 * (self.met_goal or 0) / self.enrolled) if self.enrolled else 0


def tracked(workflow: Workflow) -> list[Revision]:
    """The published revisions since metrics were turned on, newest first; none where they are off."""
    found: list[Revision] = []
    for revision in workflow.revisions.exclude(published_at=None).order_by("-number"):
        if not (revision.definition.get("settings") or {}).get("metrics"):
            break
        found.append(revision)
    return found


def figures(workflow: Workflow, version: int | None = None) -> Figures | None:
    """The figures, of one version or all; None where metrics are off. Raises TookTooLong."""
    revisions = tracked(workflow)
    if not revisions:
        return None
    chosen = [one for one in revisions if version in (None, one.number)]
    since = revisions[-1].published_at
    assert since is not None, "only published revisions are tracked"
    inside = Enrollment.objects.filter(workflow=workflow, enrolled_at__gte=since, revision__in=chosen)
    counted = inside.exclude(status=Enrollment.Status.REFUSED)
    try:
        with transaction.atomic():
            rows = count(workflow, since, chosen)
            enrolled = counted.count()
            completed = counted.filter(status=Enrollment.Status.COMPLETED).count()
            goal = any(one.definition.get("goal") for one in chosen)
            met = met_goal(counted).count() if goal else None
    except OperationalError as error:
        if not cut_short(error):
            raise
        raise TookTooLong from error
    definition = read(chosen[0]) if chosen else None
    return Figures(since, [one.number for one in revisions], enrolled, completed, in_order(rows, definition), met)


def count(workflow: Workflow, since: dt.datetime, revisions: list[Revision]) -> list[tuple[Any, ...]]:
    facts: dict[str, Any] = {"workflow": workflow.pk, "since": since, "revisions": [one.pk for one in revisions]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
        cursor.execute(COUNT, facts)
        rows = cursor.fetchall()
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    return rows


def in_order(rows: list[tuple[Any, ...]], definition: Definition | None) -> list[StepFigures]:
    """Every step of the newest version chosen in reading order, then those that are gone."""
    counts = {row[0]: row[1:] for row in rows}
    found = []
    for step in definition.walk() if definition else ():
        _action, *numbers = counts.pop(step.id, ("", 0, 0, 0, 0))
        name = str(actions[step.action].label)
        found.append(StepFigures(step.id, definition.number_of(step.id) if definition else None, name, *numbers))
    for step_id, (slug, *numbers) in sorted(counts.items()):
        name = str(actions[slug].label) if slug in actions else step_id
        found.append(StepFigures(step_id, None, _("%(name)s (removed)") % {"name": name}, *numbers))
    return found
