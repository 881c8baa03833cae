"""Meetings are booked and take place, calls are begun and ended, emails come in: told by the records themselves
(EVT-18 to EVT-21, EVT-29).

A meeting is booked for a record when it is associated with it before it has taken place. Only calls that were in
progress here have a beginning and an end: one that is logged afterwards has neither.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from crm.models import Call, Email, Meeting
from records.event_types import event_types
from records.models import Association, Change, ChangeKind
from workflows.intake.deriving import Derived, derivations

STILL_AHEAD = {Meeting.Outcome.SCHEDULED, Meeting.Outcome.RESCHEDULED}
LIVE = {Call.Status.RINGING, Call.Status.IN_PROGRESS}
BEFORE = {Call.Status.QUEUED, *LIVE}
#: How long before an association its call can have been created, for who looks for the call's first status.
CALL_AT_MOST = dt.timedelta(days=1)


def of_meetings(changes: Sequence[Change]) -> list[Derived]:
    """Booked, and with another outcome. Two statements at most."""
    linked = [change for change in changes if change.kind == ChangeKind.ASSOCIATED]
    changed = [change for change in changes if change.kind == ChangeKind.UPDATED and "outcome" in change.after]
    if not (linked or changed):
        return []
    meetings = Meeting.objects.in_bulk({change.record_id for change in (*linked, *changed)})
    found = []
    for change in linked:
        meeting, to_type = meetings.get(change.record_id), change.after["to_type"]
        if meeting and meeting.outcome in STILL_AHEAD and event_types["meeting_booked"].happens_to(to_type):
            key, record_id = f"meeting:{meeting.pk}", int(change.after["to_id"])
            found.append(Derived("meeting_booked", to_type, record_id, facts_of(meeting), key, change))
    for change, to_type, record_id in at_the_other_end("meeting_outcome_changed", changed):
        if meeting := meetings.get(change.record_id):
            facts = facts_of(meeting) | {"outcome": change.after["outcome"]}
            found.append(Derived("meeting_outcome_changed", to_type, record_id, facts, f"change:{change.pk}", change))
    return found


def facts_of(meeting: Meeting) -> dict[str, Any]:
    return {"meeting": meeting.title, "host": meeting.owner_id, "starts_at": meeting.starts_at}


def of_calls(changes: Sequence[Change]) -> list[Derived]:
    """Started and ended. Three statements at most."""
    linked = [change for change in changes if change.kind == ChangeKind.ASSOCIATED]
    changed = [change for change in changes if change.kind == ChangeKind.UPDATED and "status" in change.after]
    if not (linked or changed):
        return []
    calls = Call.objects.in_bulk({change.record_id for change in (*linked, *changed)})
    live = were_live(linked, calls)
    found = []
    for change in linked:
        to_type, record_id = change.after["to_type"], int(change.after["to_id"])
        if change.record_id in live and event_types["call_started"].happens_to(to_type):
            found.append(call_event("call_started", calls[change.record_id], to_type, record_id, change))
    for change, to_type, record_id in at_the_other_end("call_ended", changed):
        call, before, after = calls.get(change.record_id), change.before.get("status"), change.after["status"]
        if call is None:
            continue
        if after in LIVE and before not in LIVE:
            found.append(call_event("call_started", call, to_type, record_id, change))
        elif before in LIVE and after not in BEFORE:
            found.append(call_event("call_ended", call, to_type, record_id, change))
    return found


def were_live(linked: Sequence[Change], calls: dict[int, Call]) -> set[int]:
    """The calls that are in progress, or were when they were created and have ended since."""
    live = {pk for pk, call in calls.items() if call.status in LIVE}
    others = {change.record_id for change in linked} & calls.keys() - live
    if not others:
        return live
    earliest = min(change.at for change in linked) - CALL_AT_MOST
    made = Change.objects.filter(
        object_type="call", record_id__in=others, kind=ChangeKind.CREATED, at__gte=earliest, after__status__in=LIVE
    )
    return live | set(made.values_list("record_id", flat=True))


def call_event(event: str, call: Call, to_type: str, record_id: int, change: Change) -> Derived:
    facts: dict[str, Any] = {"direction": call.direction, "number": call.number, "user": call.owner_id}
    if event == "call_ended":
        facts |= {"seconds": call.duration, "outcome": call.outcome}
    return Derived(event, to_type, record_id, facts, f"call:{call.pk}", change)


def of_emails(changes: Sequence[Change]) -> list[Derived]:
    """Received: an incoming one is associated with a record. One statement."""
    linked = [change for change in changes if change.kind == ChangeKind.ASSOCIATED]
    if not linked:
        return []
    ids = {change.record_id for change in linked}
    emails = Email.objects.filter(direction=Email.Direction.INCOMING).in_bulk(ids)
    found = []
    for change in linked:
        email, to_type = emails.get(change.record_id), change.after["to_type"]
        if email and event_types["email_received"].happens_to(to_type):
            facts = {"subject": email.subject, "from": email.sender, "sent_at": email.sent_at}
            key, record_id = f"email:{email.pk}", int(change.after["to_id"])
            found.append(Derived("email_received", to_type, record_id, facts, key, change))
    return found


def at_the_other_end(event: str, changes: Iterable[Change]) -> list[tuple[Change, str, int]]:
    """The records that the changed ones are associated with and that the event happens to, change by change."""
    by_record: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        by_record[change.record_id].append(change)
    if not by_record:
        return []
    slug = next(change.object_type for some in by_record.values() for change in some)
    links = Association.objects.filter(
        from_type=slug, from_id__in=by_record, to_type__in=event_types[event].object_types
    )
    rows = links.order_by("to_type", "to_id").values_list("from_id", "to_type", "to_id").distinct()
    return [(change, to_type, to_id) for from_id, to_type, to_id in rows for change in by_record[from_id]]


def register_derived_events() -> None:
    """Called once, when the apps are ready."""
    derivations["meeting"].append(of_meetings)
    derivations["call"].append(of_calls)
    derivations["email"].append(of_emails)
