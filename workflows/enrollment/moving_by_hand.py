"""Moving records that are inside a workflow to another of its steps, by hand.

A record stays in the revision it runs in, so only steps of that one can be meant. Whoever moves is to the engine like
one more worker: it holds the workflow in common with those who take steps, so that nothing is switched or published
meanwhile, and locks the enrollments before it looks where they stand. A step that is being done is over by then, and
the record has gone on; a claim that has not begun means nothing afterwards. So no step is done twice or lost.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _
from psycopg import errors

from records.problems import DocumentError, Problem
from records.sql_arrays import array
from workflows import doorbell
from workflows.definitions import checking
from workflows.definitions.definition import Definition
from workflows.enrollment.mass_work import BUSY
from workflows.enrollment.moving_outlook import GONE_ON, Place, closed_because, name_of, not_inside, read, refusal
from workflows.enrollment.withdrawing import withdraw
from workflows.holding import hold_with_steps
from workflows.models import AuditEntry, Workflow
from workflows.rights.opening import refuse_change

#: Enrollments moved in one transaction, at most.
LIMIT = 1_000
MOVED = "moved_by_hand"

LOCK = """
    SELECT id, revision_id, step, status FROM workflows_enrollment
    WHERE id = ANY(%(ids)s::bigint[]) AND workflow_id = %(workflow)s ORDER BY id FOR NO KEY UPDATE
"""
# Who waited for the workflow's limit asks anew where it comes to: nobody overtakes those in the queue by being moved.
MOVE = """
    WITH moved AS (
        UPDATE workflows_enrollment e SET
            step = %(target)s, visit = e.visit + 1, waiting_in = '', tries = 0, attempts = 0, claim = NULL,
            claimed_until = NULL, arrived_at = %(now)s, due_at = %(now)s,
            turn = CASE e.turn WHEN 1 THEN 0 ELSE e.turn END
        FROM jsonb_to_recordset(%(places)s::jsonb) AS p(revision bigint, step text, action text, detail jsonb)
        WHERE e.id = ANY(%(ids)s::bigint[]) AND e.revision_id = p.revision AND e.step = p.step
        RETURNING e.id, e.revision_id, e.visit - 1 AS visit, p.step, p.action, p.detail
    )
    INSERT INTO workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at)
    SELECT id, revision_id, visit, step, action, 'skipped', detail, %(now)s FROM moved
"""


@dataclass
class Moved:
    """How many were moved, from where, how many deliveries are not sent by that, and who was left alone and why."""

    count: int = 0
    cancelled: int = 0
    came_from: Counter[Place] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def move(
    workflow: Workflow, ids: Collection[int], target: str, *, by: Any, now: dt.datetime,
    places: Collection[Place] | None = None,
) -> Moved:  # fmt: skip
    """Move enrollments of a workflow, up to LIMIT of them, to the step with the id `target`; they take it at once.

    Their waits end, and what their steps have not sent yet is not sent. With `places` only those are moved that stand
    there still. Who was moved, and by whom, is kept in the history of each and in the audit log.

    Raises PermissionDenied; DocumentError where a step of theirs is being done for longer than anybody would wait.
    Then nothing has changed.
    """
    refuse(workflow, by)
    with transaction.atomic():
        done = move_some(workflow, ids, target, who=by, now=now, places=places)
        if done.count:
            audit(workflow, done, target, by=by, now=now)
    return done


def refuse(workflow: Workflow, by: Any) -> None:
    """Raise PermissionDenied, with the reason, for whoever may not move records of a workflow."""
    refuse_without_right(by)
    refuse_change(workflow, by)


def refuse_without_right(by: Any) -> None:
    if not by.has_perm(checking.PUBLISH):
        raise PermissionDenied(_("You may not move records to another step. Ask somebody with the right to publish."))


def move_some(
    workflow: Workflow, ids: Collection[int], target: str, *, who: Any, now: dt.datetime,
    places: Collection[Place] | None = None,
) -> Moved:  # fmt: skip
    """`move` for whoever has asked for the rights before and writes the audit log."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            hold_with_steps(workflow.pk)
            cursor.execute(LOCK, {"ids": array(ids), "workflow": workflow.pk})
            done = send(cursor, workflow, cursor.fetchall(), target, who, now, places)
            transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    except OperationalError as error:
        if not isinstance(error.__cause__, (errors.LockNotAvailable, errors.DeadlockDetected)):
            raise
        raise DocumentError(busy()) from error
    return done


def busy() -> list[Problem]:
    message = _("A step of these records is being done just now. Nothing was changed; try again in a moment.")
    return [Problem("", message, code=BUSY)]


def send(
    cursor: Any, workflow: Workflow, rows: list[tuple[Any, ...]], target: str, who: Any, now: dt.datetime,
    places: Collection[Place] | None,
) -> Moved:  # fmt: skip
    """Move those of some locked enrollments (id, revision, step, status) that can be."""
    # As it is now that nobody can switch it any more.
    closed = closed_because(Workflow.objects.get(pk=workflow.pk))
    _numbers, definitions = read({row[1] for row in rows})
    done, moving = Moved(), list[int]()
    for pk, revision, step, status in rows:
        place = (revision, step)
        why = closed or not_inside(status, step)
        if not why and places is not None and place not in places:
            why = GONE_ON
        if why := why or refusal(definitions, place, target):
            done.refused[why] += 1
        else:
            moving.append(pk)
            done.came_from[place] += 1
    done.count = len(moving)
    if moving:
        told = [line(definitions[place[0]], place, target, who) for place in done.came_from]
        why = _("%(who)s moved the record to another step before it was sent.") % {"who": who or _("somebody")}
        done.cancelled = withdraw(moving, why=why, now=now)
        facts: dict[str, Any] = {"ids": array(moving), "now": now, "target": target}
        cursor.execute(MOVE, facts | {"places": json.dumps(told)})
    return done


def line(definition: Definition | None, place: Place, target: str, who: Any) -> dict[str, Any]:
    """What the log keeps of a move from one place."""
    assert definition is not None, "what cannot be read was refused"
    step = definition.by_id.get(place[1])
    detail = {
        "reason": MOVED, "from": name_of(definition, place[1]), "to": name_of(definition, target), "target": target,
        "by": who.pk if who is not None else None, "who": str(who or _("somebody")),
    }  # fmt: skip
    return {"revision": place[0], "step": place[1], "action": step.action if step else "", "detail": detail}


def audit(workflow: Workflow, done: Moved, target: str, *, by: Any, now: dt.datetime) -> None:
    """An entry of the audit log: how many from each step, and where to."""
    _numbers, definitions = read({revision for revision, _step in done.came_from})
    changes = [
        {
            "at": _("step"),
            "before": f"{name_of(definitions[revision], step)} ({count})",
            "after": name_of(definitions[revision], target),
        }
        for (revision, step), count in sorted(done.came_from.items())
    ]
    detail = {"records": done.count, "changes": changes} | ({"cancelled": done.cancelled} if done.cancelled else {})
    AuditEntry.objects.create(workflow=workflow, user=by, action=MOVED, detail=detail, at=now)
