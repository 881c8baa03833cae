"""Dead letters among deliveries: what was given up, or may have arrived, is sent again, skipped or called sent."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from records.models import Access
from workflows import doorbell
from workflows.models import AuditEntry, Delivery, Enrollment
from workflows.outbox import ordering
from workflows.outbox.answers import readers
from workflows.rights.opening import of_known_workflows

State = Delivery.State
CHANGE = "workflows.change_delivery"
STOPPED = (State.DEAD, State.UNCERTAIN)


def stopped(deliveries: QuerySet[Delivery] | None = None) -> QuerySet[Delivery]:
    """Those of some deliveries (of all) that wait for a person."""
    found = Delivery.objects.all() if deliveries is None else deliveries
    return found.filter(state__in=STOPPED)


def send_again(deliveries: QuerySet[Delivery], *, by: Any, now: dt.datetime) -> int:
    """Send what was given up or is uncertain once more, under its old key; how many. Raises PermissionDenied.

    What must not leave again, because a limit is reached, stays as it is, and its error says why.
    """
    change = {"state": State.PENDING, "due_at": now, "attempts": 0, "claim": None, "claimed_until": None}
    return settle(stopped(deliveries), change, "sent_again", by, now)


def skip(deliveries: QuerySet[Delivery], *, by: Any, now: dt.datetime) -> int:
    """Do not send what was given up, is uncertain or still waits; how many. Raises PermissionDenied."""
    change = {"state": State.SKIPPED, "done_at": now, "due_at": None}
    return settle(deliveries.filter(state__in=[*STOPPED, State.PENDING]), change, "deliveries_skipped", by, now)


def mark_sent(deliveries: QuerySet[Delivery], *, by: Any, now: dt.datetime) -> int:
    """Take it that what was given up or is uncertain has arrived; how many. Raises PermissionDenied."""
    change = {"state": State.DONE, "done_at": now, "due_at": None}
    return settle(stopped(deliveries), change, "marked_sent", by, now)


def settle(deliveries: QuerySet[Delivery], change: dict[str, Any], action: str, by: Any, now: dt.datetime) -> int:
    if not by.has_perm(CHANGE):
        raise PermissionDenied(_("You may not change deliveries. Ask somebody who may."))
    with transaction.atomic():
        # Locked, so that what is counted for the audit log is what is changed.
        deliveries = of_known_workflows(deliveries, by, Access.EDIT)
        rows = list(deliveries.order_by("pk").select_for_update().values_list("pk", "enrollment_id"))
        if change["state"] == State.PENDING:
            refused = refused_again([pk for pk, _enrollment in rows], now)
            rows = [row for row in rows if row[0] not in refused]
        behind = Enrollment.objects.filter(pk__in={enrollment for _pk, enrollment in rows if enrollment})
        workflows = dict(behind.values_list("pk", "workflow"))
        per_workflow = Counter(workflows[enrollment] for _pk, enrollment in rows if enrollment in workflows)
        ids = [pk for pk, _enrollment in rows]
        Delivery.objects.filter(pk__in=ids).update(**change)
        if change["state"] != State.PENDING:
            ordering.wake(ids, now)
        AuditEntry.objects.bulk_create(
            AuditEntry(workflow_id=workflow, user=by, action=action, detail={"deliveries": count}, at=now)
            for workflow, count in per_workflow.items()
        )
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
    return len(rows)


def refused_again(ids: list[int], now: dt.datetime) -> set[int]:
    """Those of some deliveries that must not leave once more; their error says why."""
    refused: dict[str, list[int]] = {}
    for key, reader in readers.items():
        if reader.again is None:
            continue
        found = Delivery.objects.filter(pk__in=ids, request__has_key=key).order_by("pk")
        marks = dict(found.values_list("pk", f"request__{key}"))
        for pk, why in zip(marks, reader.again(list(marks.values()), now), strict=True):
            if why:
                refused.setdefault(why, []).append(pk)
    for why, some in refused.items():
        Delivery.objects.filter(pk__in=some).update(last_error=why)
    return {pk for some in refused.values() for pk in some}
