"""Dead letters: enrollments an error has stopped are tried again, taken past their step, or left as they are.

A stopped enrollment has the status "failed" and keeps its step. Whoever is revived goes on in the live revision.
Everything is done for any number of records in one statement per workflow.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import EmptyResultSet, PermissionDenied
from django.db import connection, transaction
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from records.object_types import object_types
from records.problems import DocumentError, Problem
from workflows import doorbell
from workflows.definitions import checking
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.enrollment.announcing import announce
from workflows.enrollment.enrolling import locked
from workflows.intake import occurrences
from workflows.models import AuditEntry, Enrollment, Outcome, Workflow
from workflows.rights.opening import changeable

RETRY, SKIP = "retry", "skip"
OFF, DELETED, GONE, RUNNING, NO_STEP, LATER = (
    "workflow_off", "workflow_deleted", "record_deleted", "already_enrolled", "step_gone", "stopped_later",
)  # fmt: skip
#: Why a stopped enrollment is left alone, by code.
REFUSALS = {
    OFF: gettext_lazy("The workflow is turned off. Turn it on first."),
    DELETED: gettext_lazy("The workflow was deleted. Restore it and turn it on first."),
    GONE: gettext_lazy("The record was deleted."),
    RUNNING: gettext_lazy("The record is enrolled in the workflow again."),
    NO_STEP: gettext_lazy("The workflow no longer has the step. Choose another one to go on with."),
    LATER: gettext_lazy("The record was enrolled and stopped again later; only the last time is revived."),
}
AUDITED = {RETRY: "retried", SKIP: "passed_over"}
LOGGED = {RETRY: (Outcome.RETRYING, "retried_by_hand"), SKIP: (Outcome.SKIPPED, "skipped_by_hand")}

# Nothing is joined: of a young workflow, or of a table nobody has analysed, the planner expects hardly a record, also
# where ten thousand stopped. What is looked up by its key, or in a list, costs the same whatever it expects.
CHOSEN = """
    WITH stopped AS MATERIALIZED ({stopped}), known AS (SELECT %(targets)s::jsonb AS targets)
    SELECT e.id, e.step, e.visit,
        CASE
            WHEN %(deleted)s THEN 'workflow_deleted'
            WHEN %(off)s THEN 'workflow_off'
            WHEN (SELECT {live} FROM {table} record WHERE record.{key} = e.record_id) IS NOT TRUE THEN 'record_deleted'
            WHEN e.record_id IN (
                SELECT a.record_id FROM workflows_enrollment a
                WHERE a.workflow_id = %(workflow)s AND a.status = 'active'
                    AND a.record_id = ANY(ARRAY(SELECT s.record_id FROM stopped s))
            ) THEN 'already_enrolled'
            WHEN NOT known.targets ? e.step AND %(fallback)s::text IS NULL THEN 'step_gone'
            WHEN row_number() OVER (PARTITION BY e.record_id ORDER BY e.id DESC) > 1 THEN 'stopped_later'
            ELSE ''
        END AS refusal
    FROM stopped e CROSS JOIN known
"""
COUNTED = "SELECT refusal, COUNT(*) FROM ({chosen}) chosen GROUP BY refusal"
TARGET = "COALESCE(%(targets)s::jsonb ->> e.step, %(fallback)s::text)"
# Whoever has the workflow's lock is the only one who lets its stopped records go on.
REVIVE = f"""
    WITH chosen AS MATERIALIZED ({{chosen}}),
    moved AS (
        UPDATE workflows_enrollment e SET
            status = CASE {TARGET} WHEN '' THEN 'completed' ELSE 'active' END, revision_id = %(revision)s,
            step = {TARGET}, visit = e.visit + %(past)s, waiting_in = '', tries = 0, attempts = 0, claim = NULL,
            claimed_until = NULL, arrived_at = %(now)s, due_at = CASE {TARGET} WHEN '' THEN NULL ELSE %(now)s END,
            ended_at = CASE {TARGET} WHEN '' THEN %(now)s END,
            ended_reason = CASE {TARGET} WHEN '' THEN 'completed' ELSE '' END
        WHERE e.id = ANY(ARRAY(SELECT c.id FROM chosen c WHERE c.refusal = '')) AND e.status = 'failed'
        RETURNING e.id, e.status
    ),
    logged AS (
        INSERT INTO workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at)
        SELECT c.id, %(revision)s, c.visit, c.step, COALESCE(%(actions)s::jsonb ->> c.step, ''), %(outcome)s,
            %(detail)s::jsonb, %(now)s
        FROM chosen c WHERE c.refusal = ''
    )
    SELECT refusal, COUNT(*), (SELECT array_agg(id) FROM moved),
        (SELECT array_agg(id) FROM moved WHERE status = 'completed')
    FROM chosen GROUP BY refusal
"""


@dataclass
class Revival:
    """How many were (or would be) revived, and how many are left alone, by reason (codes of REFUSALS)."""

    count: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def stopped(enrollments: QuerySet[Enrollment] | None = None) -> QuerySet[Enrollment]:
    """Those of some enrollments (of all) that an error has stopped and nobody has seen to."""
    found = Enrollment.objects.all() if enrollments is None else enrollments
    return found.filter(status=Enrollment.Status.FAILED).exclude(step="")


def preview(enrollments: QuerySet[Enrollment], verb: str, *, target: str | None = None) -> Revival:
    """What `revive` would do."""
    found = Revival()
    for workflow in workflows_of(enrollments):
        plan = Plan(workflow, verb, target)
        count(found, plan.run(COUNTED, enrollments, {}))
    return found


def revive(
    enrollments: QuerySet[Enrollment], verb: str, *, by: Any, now: dt.datetime, target: str | None = None
) -> Revival:
    """Let those of some enrollments that are stopped go on.

    `verb` is "retry" (they stand on their step again, due now) or "skip" (they go on to what follows the step; after
    its paths have met where it is a branching). `target` is the id of a step of the live revision at which those go
    on whose step is gone; without it they are left alone. Who is revived, and by whom, is kept in the history and in
    the audit log.

    Those of workflows the person may only read are left alone. Raises PermissionDenied, and DocumentError for a verb
    or a target that does not exist; then nothing has changed.
    """
    if not by.has_perm(checking.PUBLISH):
        raise PermissionDenied(_("You may not let stopped records go on. Ask somebody with the right to publish."))
    found, enrollments = Revival(), changeable(enrollments, by, "workflow")
    with transaction.atomic():
        for workflow in workflows_of(enrollments):
            plan = Plan(locked(workflow), verb, target)
            outcome, reason = LOGGED[verb]
            detail = {"reason": reason, "by": by.pk, "who": str(by)}
            facts = {"now": now, "outcome": str(outcome), "detail": json.dumps(detail), "past": int(verb == SKIP)}
            done = plan.run(REVIVE, enrollments, facts)
            count(found, done)
            announce(plan.moved)
            occurrences.completed(plan.completed)
            if done.get(""):
                audit(workflow, by, AUDITED[verb], now, done[""])
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return found


def leave(enrollments: QuerySet[Enrollment], *, by: Any, now: dt.datetime) -> int:
    """Leave stopped enrollments as they are for good: they need nobody's attention any more. Returns how many.

    Raises PermissionDenied.
    """
    if not by.has_perm(checking.PUBLISH):
        raise PermissionDenied(_("You may not settle stopped records. Ask somebody with the right to publish."))
    total, enrollments = 0, changeable(enrollments, by, "workflow")
    with transaction.atomic():
        for workflow in map(locked, workflows_of(enrollments)):
            done = stopped(enrollments).filter(workflow=workflow).update(step="")
            total += done
            if done:
                audit(workflow, by, "left_stopped", now, done)
    return total


def workflows_of(enrollments: QuerySet[Enrollment]) -> list[Workflow]:
    """The workflows in which some of them are stopped, in the order they are locked."""
    return list(Workflow.objects.filter(pk__in=stopped(enrollments).order_by().values("workflow")).order_by("pk"))


class Plan:
    """Where the stopped enrollments of one workflow would go on."""

    def __init__(self, workflow: Workflow, verb: str, target: str | None) -> None:
        if verb not in LOGGED:
            message = _("“%(value)s” is neither “retry” nor “skip”.") % {"value": verb}
            raise DocumentError([Problem("verb", message, verb)])
        self.workflow, self.target = workflow, target
        #: The enrollments the last `run` has let go on, and those among them that are at the end by that.
        self.moved: list[int] = []
        self.completed: list[int] = []
        definition = live_definition(workflow)
        if target is not None and target not in definition.by_id:
            message = _("The workflow has no step “%(value)s”. Choose one of its steps.") % {"value": target}
            raise DocumentError([Problem("step", message, target)])
        ids = definition.by_id
        self.targets = {step: definition.next_after(step) if verb == SKIP else step for step in ids}
        self.actions = {step: found.action for step, found in ids.items()}

    def run(self, statement: str, enrollments: QuerySet[Enrollment], facts: dict[str, Any]) -> dict[str, int]:
        """Count them by what keeps them from going on ("" for nothing), and let them where the statement does."""
        kind = object_types.get(self.workflow.object_type)
        try:
            found = stopped(enrollments).filter(workflow=self.workflow).order_by()
            which, params = found.values("id", "record_id", "step", "visit").query.sql_with_params()
        except EmptyResultSet:
            return {}
        if kind is None:
            return {OFF: stopped(enrollments).filter(workflow=self.workflow).count()}
        named = {f"p{place}": value for place, value in enumerate(params)}
        quote = connection.ops.quote_name
        chosen = CHOSEN.format(
            stopped=which.replace("%s", "{}").format(*(f"%({name})s" for name in named)),
            table=quote(kind.table), key=quote(kind.key),
            live="record.deleted_at IS NULL" if kind.soft_deletes else "true",
        )  # fmt: skip
        off, deleted = self.workflow.status == Workflow.Status.OFF, self.workflow.deleted_at is not None
        every = named | facts | {
            "workflow": self.workflow.pk, "revision": self.workflow.live_id, "off": off, "deleted": deleted,
            "fallback": self.target,
            "targets": json.dumps(self.targets), "actions": json.dumps(self.actions),
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(statement.format(chosen=chosen), every)
            rows = cursor.fetchall()
        if rows and len(rows[0]) > 2:
            self.moved, self.completed = rows[0][2] or [], rows[0][3] or []
        return {row[0]: row[1] for row in rows}


def live_definition(workflow: Workflow) -> Definition:
    """The definition in which the revived go on. Raises DocumentError where it cannot be read any more."""
    if workflow.live is None:
        raise DocumentError([Problem("", _("The workflow was never published. Publish it first."))])
    return parse(workflow.live.definition)


def count(found: Revival, done: dict[str, int]) -> None:
    found.count += done.get("", 0)
    found.refused.update({reason: number for reason, number in done.items() if reason})


def audit(workflow: Workflow, by: Any, action: str, now: dt.datetime, count: int) -> None:
    AuditEntry.objects.create(workflow=workflow, user=by, action=action, detail={"records": count}, at=now)


@dataclass(frozen=True)
class Group:
    """Enrollments stopped at the same step for the same reason. `example` is one of the last of them."""

    workflow: int
    step: str
    reason: str
    count: int
    newest: dt.datetime
    example: int


def grouped(enrollments: QuerySet[Enrollment]) -> QuerySet[Enrollment, tuple[Any, ...]]:
    """The groups of what stopped, those first in which something stopped last: rows as Group takes them."""
    found = stopped(enrollments).order_by().values_list("workflow", "step", "ended_reason")
    counted = found.annotate(count=Count("pk"), newest=Max("ended_at"), example=Max("pk"))
    return counted.order_by("-newest", "-example")


def groups(enrollments: QuerySet[Enrollment], limit: int = 200) -> Iterator[Group]:
    """The first groups of what stopped."""
    return (Group(*row) for row in grouped(enrollments)[:limit])
