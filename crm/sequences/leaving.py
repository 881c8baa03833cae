"""Leaving a sequence before its end, or at it: what was not sent yet is not sent any more (COM-02)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection, transaction

from crm.models import Email, SequenceEnrollment, SequenceRun
from crm.sequences.enrolling import tell
from crm.sequences.words import LEFT
from records.happening import Occurrence, happen
from workflows.models import Delivery

Status = SequenceEnrollment.Status
# Locked in the order of their ids, as everywhere: two that end the same ones wait for each other.
END = """
    WITH held AS MATERIALIZED (
        SELECT id FROM crm_sequenceenrollment WHERE id = ANY(%(ids)s::bigint[]) AND status = 'active'
        ORDER BY id FOR UPDATE
    )
    UPDATE crm_sequenceenrollment e SET status = %(status)s, reason = %(reason)s, ended_at = %(now)s,
        ended_by_id = %(by)s, step_id = NULL, due_at = NULL
    FROM held, crm_sequence s WHERE e.id = held.id AND s.id = e.sequence_id
    RETURNING e.contact_id, e.id, s.name, e.enrolled_by_id
"""


def end(ids: Iterable[int], status: str, *, now: dt.datetime, reason: str = "", by: Any = None) -> dict[int, int]:
    """End enrollments that are active; those that ended, by contact. Everything is one transaction."""
    asked = sorted(ids)
    if not asked:
        return {}
    facts = {"ids": asked, "status": status, "reason": reason, "now": now, "by": getattr(by, "pk", by)}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(END, facts)
            rows = cursor.fetchall()
        ended = {contact: pk for contact, pk, _name, _by in rows}
        if status != Status.FINISHED:
            withdraw(ended.values(), now)
        if status == Status.REPLIED:
            mark_replied(ended.values(), now)
        groups: dict[tuple[str, int | None], dict[int, int]] = defaultdict(dict)
        for contact, pk, name, enroller in rows:
            groups[name, enroller][contact] = pk
        for (name, enroller), made in groups.items():
            tell_end(status, name, enroller, made, now)
    return ended


def tell_end(status: str, name: str, enroller: int | None, made: Mapping[int, int], now: dt.datetime) -> None:
    if status == Status.FINISHED:
        tell("sequence_finished", name, enroller, made, now)
    else:
        tell("sequence_unenrolled", name, enroller, made, now, reason=str(Status(status).label))


def withdraw(ids: Iterable[int], now: dt.datetime) -> None:
    """Keep mails that have not left yet from leaving."""
    runs = SequenceRun.objects.filter(enrollment__in=list(ids), settled=False).values_list("delivery_id", flat=True)
    if found := [pk for pk in runs if pk is not None]:
        pending = Delivery.objects.filter(pk__in=found, state=Delivery.State.PENDING)
        pending.update(state=Delivery.State.SKIPPED, last_error=str(LEFT), claim=None, done_at=now)


def mark_replied(ids: Iterable[int], now: dt.datetime) -> None:
    """Note on the last email of each enrollment that it was answered."""
    mails = SequenceRun.objects.filter(enrollment__in=list(ids), kind="email").order_by("enrollment_id", "-id")
    last = list(mails.distinct("enrollment_id").values_list("record_id", flat=True))
    Email.objects.filter(pk__in=last, replied_at=None).update(replied_at=now)


def unenroll(contact_ids: Iterable[int], *, now: dt.datetime, by: Any = None, sequence: int | None = None) -> set[int]:
    """Take contacts out of the sequence each is in (with `sequence` only of that one); those who were in one."""
    return set(stop(contact_ids, Status.UNENROLLED, now=now, by=by, sequence=sequence))


def stop(
    contact_ids: Iterable[int], status: str, *, now: dt.datetime, by: Any = None, sequence: int | None = None,
    subscription: str = "",
) -> dict[int, int]:  # fmt: skip
    """End what contacts are in, whatever sequence that is; with `subscription` only those of this type."""
    active = SequenceEnrollment.objects.filter(contact__in=list(contact_ids), status=Status.ACTIVE)
    if sequence is not None:
        active = active.filter(sequence=sequence)
    if subscription:
        active = active.filter(sequence__subscription__slug=subscription)
    return end(active.values_list("pk", flat=True), status, now=now, by=by)


def meeting_booked(meetings: Mapping[int, Mapping[str, Any]], now: dt.datetime) -> None:
    """End what contacts are in who have booked a meeting: by contact, the stored facts of the meeting (EVT-26)."""
    active = SequenceEnrollment.objects.filter(contact__in=list(meetings), status=Status.ACTIVE)
    found = {one.contact_id: one for one in active.select_related("sequence")}
    ended = end((one.pk for one in found.values()), Status.MEETING, now=now)
    occurrences = []
    for contact, pk in ended.items():
        facts = {name: meetings[contact].get(name) for name in ("meeting", "starts_at")}
        told = {"sequence": found[contact].sequence.name, "user": found[contact].enrolled_by_id, **facts}
        occurrences.append(Occurrence(contact, told, key=f"sequence:{pk}:meeting"))
    if occurrences:
        happen("sequence_meeting_booked", "contact", occurrences, now=now)
