"""The door of a workflow: what refuses a record, in this order, each with its sentence (TRG-29).

The workflow is not published or off (TRG-30) · workflows trigger each other in a circle · the record is gone · it is
inside (TRG-19) · it was inside before and may not enter again (TRG-07) · it is on a suppression list (MAN-06) · it
meets the unenrollment criteria (UNE-04) · it has met the goal already (GOL-02) · the workflow keeps only those that
meet its criteria, and it does not (MAN-08).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Iterable
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy

from records.models import Membership, Segment
from records.object_types import object_types
from records.plans import plan_of
from records.problems import DocumentError
from records.sql_arrays import array
from workflows.models import Enrollment, Revision, Subscription, Workflow

logger = logging.getLogger(__name__)
Purpose = Subscription.Purpose

OFF, RUNNING, BEFORE, GONE, LOOP, NOT_MATCHING, UNPUBLISHED, SUPPRESSED, UNWANTED, GOAL_REACHED, NO_DATE = (
    "workflow_off", "already_enrolled", "enrolled_before", "record_deleted", "loop", "not_matching", "not_published",
    "on_suppression_list", "meets_unenrollment", "goal_already_met",
    "no_centre_date",
)  # fmt: skip
#: Why a record was not enrolled, by code.
REFUSALS = {
    OFF: gettext_lazy("The workflow was turned off."),
    RUNNING: gettext_lazy("The record was already enrolled in this workflow."),
    BEFORE: gettext_lazy("The record had been enrolled before, and re-enrollment is off or was not triggered."),
    GONE: gettext_lazy("The record does not exist or had been deleted."),
    LOOP: gettext_lazy("Workflows had triggered each other too many times in a row, so the chain was stopped here."),
    NOT_MATCHING: gettext_lazy("The record did not meet the criteria, and this workflow keeps only those that do."),
    UNPUBLISHED: gettext_lazy("The workflow had never been published."),
    SUPPRESSED: gettext_lazy("The record was found in a suppression list of this workflow."),
    UNWANTED: gettext_lazy("The record met the unenrollment criteria of this workflow."),
    NO_DATE: gettext_lazy("The date this workflow is centred on was blank."),
    GOAL_REACHED: gettext_lazy("The record had met the goal of this workflow already."),
}
#: What keeps records out and takes those inside out, in the order of asking: the refusal, and the reason to leave.
GUARDS: dict[str, tuple[str, str]] = {
    Purpose.SUPPRESSION: (SUPPRESSED, "suppressed"),
    Purpose.UNENROLLMENT: (UNWANTED, "unenrollment_criteria"),
    Purpose.GOAL: (GOAL_REACHED, "goal_met"),
}
#: How many workflows may have caused one another in a row, and how often one of them may be among them.
DEPTH_LIMIT = 20
VISITS_PER_CHAIN = 3


def guarded(document: dict[str, Any]) -> bool:
    """Whether a definition has anything that keeps records out."""
    return bool(document.get("goal") or document.get("suppress") or (document.get("unenroll") or {}).get("criteria"))


def guards(revision: Revision) -> list[Subscription]:
    """What keeps records out of a live revision, in the order of asking."""
    found = Subscription.objects.filter(revision=revision, purpose__in=list(GUARDS)).select_related("segment")
    return sorted(found, key=lambda guard: (list(GUARDS).index(guard.purpose), guard.pk))


def watching(workflow: Workflow) -> list[Subscription]:
    """The guards of a workflow; asks the database only where its definition has any."""
    return guards(workflow.live) if workflow.live and guarded(workflow.live.definition) else []


def meeting(guard: Subscription, ids: Iterable[int], now: dt.datetime) -> set[int]:
    """Which of these records a guard concerns at this moment.

    Criteria are asked, not the memberships kept of them: a change may not have been dispatched yet. The members of a
    list are its rows.
    """
    if guard.purpose == Purpose.SUPPRESSION:
        members = Membership.objects.filter(segment=guard.segment_id, record_id__in=list(ids))
        return set(members.values_list("record_id", flat=True))
    try:
        return matching(guard.segment, ids, now)
    except DocumentError:
        # Whoever dispatches turns the workflow off and says why in its audit log.
        logger.error("The %s criteria of revision %s cannot be read.", guard.purpose, guard.revision_id)
        return set()


def matching(segment: Segment, ids: Iterable[int], now: dt.datetime) -> set[int]:
    """Which of these records meet the criteria of a segment now. Raises DocumentError."""
    sql, params = plan_of(segment, now).matching
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT record_id FROM {sql} WHERE record_id = ANY(%s::bigint[])", [*params, array(ids)])
        return {pk for (pk,) in cursor.fetchall()}


def barred(workflow: Workflow, ids: Collection[int], now: dt.datetime) -> dict[int, str]:
    """The records a guard of the workflow keeps out now, with the refusal; nobody where there is no guard."""
    found: dict[int, str] = {}
    for guard in watching(workflow) if ids else ():
        for pk in meeting(guard, ids, now):
            found.setdefault(pk, GUARDS[guard.purpose][0])
    return found


def closed_because(workflow: Workflow) -> str:
    """Why nothing at all enters the workflow (TRG-30); "" when it is open."""
    if workflow.live is None:
        return UNPUBLISHED
    return "" if workflow.status in Workflow.OPEN and workflow.deleted_at is None else OFF


def runs_away(workflow: Workflow, cause: dict[str, Any]) -> bool:
    """Whether workflows have caused one another too often (decision 14)."""
    limit = getattr(settings, "WORKFLOW_DEPTH_LIMIT", DEPTH_LIMIT)
    return cause.get("depth", 0) > limit or (cause.get("chain") or []).count(workflow.pk) >= VISITS_PER_CHAIN


def outsiders(workflow: Workflow, ids: Collection[int]) -> set[int]:
    """Of a workflow that keeps only matching records, those that do not match (MAN-08)."""
    segments = required_segments(workflow)
    if segments is None:
        return set()
    members = Membership.objects.filter(segment__in=segments, record_id__in=ids)
    return set(ids) - set(members.values_list("record_id", flat=True))


def required_segments(workflow: Workflow) -> list[int] | None:
    """The segments of which a record must be a member of one (MAN-08); None where anybody may enter."""
    assert workflow.live is not None, "nothing is enrolled in a workflow that was never published"
    if not (workflow.live.definition.get("unenroll") or {}).get("when_no_longer_matching"):
        return None
    segments = Subscription.objects.filter(revision=workflow.live, purpose=Purpose.TRIGGER)
    return list(segments.values_list("segment_id", flat=True))


def reasons(workflow: Workflow, ids: Collection[int], again: Collection[int] | None) -> dict[int, str]:
    """Those of these records that are gone, inside, or were inside and may not enter again, with the refusal.

    `again`: who may; None: everybody.
    """
    kind = object_types[workflow.object_type]
    existing = set(kind.records().filter(pk__in=ids).values_list("pk", flat=True))
    known = Enrollment.objects.filter(workflow=workflow, record_id__in=ids).exclude(status=Enrollment.Status.REFUSED)
    before: dict[int, bool] = {}
    for pk, status in known.values_list("record_id", "status"):
        before[pk] = before.get(pk, False) or status == Enrollment.Status.ACTIVE
    found = dict.fromkeys(set(ids) - existing, GONE)
    for pk, inside in before.items():
        if pk in existing and (inside or (again is not None and pk not in again)):
            found[pk] = RUNNING if inside else BEFORE
    return found
