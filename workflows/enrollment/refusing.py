"""Who was not enrolled, as the history keeps it: it answers the question why nothing happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import connection

from records.sql_arrays import array
from workflows.models import Enrollment, Workflow

COUNT_AGAIN = """
    UPDATE workflows_enrollment AS e SET ended_at = %(now)s,
        cause = e.cause || jsonb_build_object('times', COALESCE((e.cause ->> 'times')::int, 1) + 1)
    FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS again (record_id, reason)
    WHERE e.id = (
        SELECT max(known.id) FROM workflows_enrollment AS known
        WHERE known.workflow_id = %(workflow)s AND known.record_id = again.record_id
            AND known.status = 'refused' AND known.ended_reason = again.reason
    )
    RETURNING e.record_id
"""


def keep(
    workflow: Workflow,
    refused: Mapping[int, str],
    causes: Mapping[int, dict[str, Any]],
    cause: dict[str, Any],
    now: dt.datetime,
) -> None:
    """Keep the refusals, a reason by record.

    Events may come by the thousand: of those that are refused for the same reason one row tells how many.
    """
    if not refused or not workflow.live_id:
        return
    counted = count_again(workflow, refused, now) if cause.get("kind") == "event" else set()
    Enrollment.objects.bulk_create(
        Enrollment(
            workflow=workflow, revision_id=workflow.live_id, record_id=pk, status=Enrollment.Status.REFUSED,
            cause=causes.get(pk, cause), enrolled_at=now, ended_at=now, ended_reason=reason,
        )
        for pk, reason in refused.items() if pk not in counted
    )  # fmt: skip


def count_again(workflow: Workflow, refused: Mapping[int, str], now: dt.datetime) -> set[int]:
    """The records refused for the same reason before; there it is noted that it happened once more, and when."""
    facts: dict[str, Any] = {
        "ids": array(refused),
        "reasons": list(refused.values()),
        "workflow": workflow.pk,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_AGAIN, facts)
        return {row[0] for row in cursor.fetchall()}
