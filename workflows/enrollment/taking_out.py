"""Taking records out of workflows by hand: each workflow's audit log says who did it, and how many left."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from workflows.enrollment.leaving import unenroll
from workflows.models import AuditEntry, Enrollment

TAKEN_OUT = "taken_out_by_hand"


def take_out(enrollments: QuerySet[Enrollment], *, by: Any, now: dt.datetime) -> int:
    """End the active ones among these enrollments, which somebody has chosen; how many they were (UNE-08).

    The caller has left out those of workflows the person may only read.
    """
    left = 0
    active = enrollments.filter(status=Enrollment.Status.ACTIVE)
    with transaction.atomic():
        for workflow in sorted(set(active.order_by().values_list("workflow", flat=True).distinct())):
            count = unenroll(enrollments.filter(workflow=workflow), reason="by_hand", by=by, now=now)
            if count:
                detail = {"unenrolled": count}
                AuditEntry.objects.create(workflow_id=workflow, user=by, action=TAKEN_OUT, detail=detail, at=now)
            left += count
    return left
