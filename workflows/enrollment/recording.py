"""Recording that records entered a workflow, left it or reached its goal, as events, while anybody listens.

An event is one workflow deeper in the causal chain than its enrollment, so workflows that trigger each other come to
an end (decision 14).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from records.criteria.event_rows import EVENT_PREFIX
from records.happening import happen
from workflows.models import Enrollment, Workflow

ENROLLED, UNENROLLED, GOAL_MET = "workflow_enrolled", "workflow_unenrolled", "workflow_goal_met"
#: The reason with which an enrollment ends at the workflow's goal.
GOAL_REASON = "goal_met"
DEEPEST = 32_000
HEARD = """
    SELECT EXISTS (
        SELECT FROM workflows_eventsubscription s
        JOIN workflows_revision r ON r.id = s.revision_id JOIN workflows_workflow w ON w.id = r.workflow_id
        WHERE s.source = ANY(%(sources)s) AND (%(type)s = '' OR w.object_type = %(type)s)
    ) OR EXISTS (
        SELECT FROM workflows_eventwait
        WHERE source = ANY(%(sources)s) AND (%(type)s = '' OR object_type = %(type)s)
    )
"""


def heard(*events: str, object_type: str = "") -> bool:
    """Whether a workflow or a waiting record listens to any of these events, of records of one type or of any."""
    with connection.cursor() as cursor:
        cursor.execute(HEARD, {"sources": [f"{EVENT_PREFIX}{event}" for event in events], "type": object_type})
        return bool(cursor.fetchone()[0])


def enrolled(workflow: Workflow, record_ids: Collection[int], now: dt.datetime) -> None:
    """That these records were just enrolled in a workflow (EVT-35)."""
    if record_ids and heard(ENROLLED, object_type=workflow.object_type):
        rows = Enrollment.objects.filter(workflow=workflow, record_id__in=record_ids)
        # A record may have been inside before, even at the same instant: the newest is the one that was just made.
        newest = rows.exclude(status=Enrollment.Status.REFUSED).order_by("record_id", "-pk").distinct("record_id")
        record(ENROLLED, newest, now)


def leaving(enrollments: QuerySet[Enrollment]) -> list[int] | None:
    """The ids of enrollments that are about to be ended, for `left` afterwards; None while nobody listens.

    They are locked, so that nobody else ends them meanwhile and tells of it, too.
    """
    if not heard(UNENROLLED, GOAL_MET):
        return None
    locked = enrollments.select_for_update(no_key=True, of=("self",)).order_by("pk")
    return list(locked.values_list("pk", flat=True))


def left(enrollment_ids: Collection[int] | None, now: dt.datetime) -> None:
    """That these enrollments have ended before the end of their workflow (EVT-36), those at its goal (EVT-37)."""
    if enrollment_ids and heard(UNENROLLED, GOAL_MET):
        rows = Enrollment.objects.filter(pk__in=enrollment_ids, status=Enrollment.Status.UNENROLLED)
        record(UNENROLLED, rows, now)
        record(GOAL_MET, rows.filter(ended_reason=GOAL_REASON), now)


def goal_met_later(enrollments: QuerySet[Enrollment], now: dt.datetime) -> None:
    """That the goal was reached after the end of the workflow (GOL-03)."""
    if heard(GOAL_MET):
        record(GOAL_MET, enrollments, now)


def record(event: str, enrollments: QuerySet[Enrollment], now: dt.datetime) -> None:
    """One statement for each workflow, reason and causal chain."""
    together: dict[tuple[int, str, str, str], list[int]] = {}
    facts = ("workflow_id", "workflow__object_type", "record_id", "ended_reason", "cause")
    for workflow_id, object_type, record_id, reason, cause in enrollments.values_list(*facts):
        chain = json.dumps([cause.get("depth", 0), cause.get("chain") or []])
        why = reason if event == UNENROLLED else ""
        together.setdefault((workflow_id, object_type, why, chain), []).append(record_id)
    for (workflow_id, object_type, why, chain), ids in together.items():
        depth, before = json.loads(chain)
        source = {
            "kind": "workflow", "workflow": workflow_id, "chain": [*before, workflow_id],
            "depth": min(depth + 1, DEEPEST),
        }  # fmt: skip
        told: dict[str, Any] = {"workflow": str(workflow_id)} | ({"reason": why} if why else {})
        happen(event, object_type, ids, properties=told, now=now, source=source)
