"""What a record's step has asked for is taken back when the record is taken from the step.

Shared by all ways of leaving a workflow before its end, by moves by hand, and by versions that put another action in a
step's place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import connection

from records.sql_arrays import array
from workflows.models import CodeRun, EventWait

# Only what the step itself waits for: what earlier steps have sent, or put in the outbox, was theirs to send. One that
# is in a sender's hands just now is left to it. Who has left stands nowhere, but `waiting_in` and `visit` stay as they
# were.
WITHDRAW = """
    WITH theirs AS (
        SELECT d.id FROM workflows_delivery d JOIN workflows_enrollment e ON e.id = d.enrollment_id
        WHERE d.enrollment_id = ANY(%(ids)s::bigint[]) AND d.state = 'pending' AND starts_with(
            concat(d.key, ':'), concat_ws(':', e.id, COALESCE(NULLIF(e.step, ''), e.waiting_in), e.visit, '')
        )
        ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE workflows_delivery d SET state = 'skipped', done_at = %(now)s, due_at = NULL, last_error = %(why)s
    FROM theirs WHERE d.id = theirs.id
"""


def withdraw(ids: Collection[int], *, why: str, now: dt.datetime) -> int:
    """Take back what the steps of some enrollments wait for; how many deliveries are not sent by that.

    `why` is the sentence these keep. Scripts that wait to be run are not run, and what comes of those under way is
    dropped. The enrollments stand on the step still, or have just left the workflow, and nobody else may move them
    meanwhile: they are locked, or their workflow is held still. The same few statements however many they are.
    """
    if not ids:
        return 0
    EventWait.objects.filter(enrollment__in=ids).delete()
    CodeRun.objects.filter(enrollment__in=ids).delete()
    facts: dict[str, Any] = {"ids": array(ids), "now": now, "why": why}
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW, facts)
        return int(cursor.rowcount)
