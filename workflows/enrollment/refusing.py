"""Who was not enrolled, as the history keeps it: it answers the question why nothing happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from records.sql_arrays import array
from workflows.enrollment.doors import REFUSALS, SUPPRESSED
from workflows.models import Enrollment, Workflow

__all__ = ["LIST", "REFUSALS", "because", "keep"]

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
# In the order in which the door asks them.
SUPPRESSING = """
    SELECT DISTINCT ON (m.record_id) m.record_id, l.name
    FROM workflows_subscription s JOIN records_recordlist l ON l.segment_id = s.segment_id
    JOIN records_membership m ON m.segment_id = s.segment_id AND m.record_id = ANY(%(ids)s::bigint[])
    WHERE s.revision_id = %(revision)s AND s.purpose = 'suppression' ORDER BY m.record_id, s.id
"""
#: The key of a refusal's cause that names the suppression list the record was in, as the list was called then.
LIST = "list"


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
    lists = suppressed_by(workflow, [pk for pk, reason in refused.items() if reason == SUPPRESSED])
    named = {pk: {LIST: name} for pk, name in lists.items()}
    Enrollment.objects.bulk_create(
        Enrollment(
            workflow=workflow, revision_id=workflow.live_id, record_id=pk, status=Enrollment.Status.REFUSED,
            cause=causes.get(pk, cause) | named.get(pk, {}), enrolled_at=now, ended_at=now, ended_reason=reason,
        )
        for pk, reason in refused.items() if pk not in counted
    )  # fmt: skip


def because(reason: str, cause: dict[str, Any] | None = None) -> str:
    """Why a record was not enrolled, by the code of the refusal; its `cause` names the suppression list."""
    if reason == SUPPRESSED and (name := (cause or {}).get(LIST)):
        return _("The record was found in the suppression list “%(list)s” of this workflow.") % {"list": name}
    return str(REFUSALS.get(reason, reason))


def suppressed_by(workflow: Workflow, record_ids: Collection[int]) -> dict[int, str]:
    """The name of the first suppression list each of these records is in; nothing is asked for nobody."""
    if not record_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESSING, {"revision": workflow.live_id, "ids": array(record_ids)})
        return dict(cursor.fetchall())


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
