"""Meetings, calls, playbooks and sequences (EVT-18 to EVT-26)."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from crm.models import Call, Meeting
from records.event_types import EventType, event_types
from records.event_types.base import fact
from records.properties import Option

MEETINGS, CALLS, SALES, SEQUENCES = _("Meetings"), _("Calls"), _("Sales"), _("Sequences")
#: On whom people work.
WORKED_ON = ("contact", "company", "deal", "ticket", "quote", "lead")
#: Meetings and calls are activities: filters on them never enroll a record again (REN-03).
NEVER_AGAIN = _("Activities cannot enroll again.")


def options_of(choices: type[TextChoices]) -> tuple[Option, ...]:
    return tuple(Option(value, label) for value, label in choices.choices)


HOST = fact("host", _("Host"), "user")
STARTS = fact("starts_at", _("Starts"), "datetime")
CALL = (
    fact("direction", _("Direction"), "select", options_source=options_of(Call.Direction)),
    fact("number", _("Number"), "phone"),
    fact("user", _("Made by"), "user"),
)  # fmt: skip
SEQUENCE = (fact("sequence", _("Sequence"), required=True), fact("user", _("Enrolled by"), "user"))
TYPES = (
    EventType(
        "meeting_booked", _("Meeting booked"), MEETINGS, WORKED_ON,
        (fact("meeting", _("Meeting")), HOST, STARTS, fact("page", _("Booked on"), "url")),
        _("A meeting that is still ahead is associated with the record."), never_again=NEVER_AGAIN,
    ),
    EventType(
        "meeting_outcome_changed", _("Meeting outcome changed"), MEETINGS, WORKED_ON,
        (
            fact("meeting", _("Meeting")), HOST, STARTS,
            fact("outcome", _("Outcome"), "select", options_source=options_of(Meeting.Outcome), required=True),
        ),
        never_again=NEVER_AGAIN,
    ),
    EventType(
        "call_started", _("Call started"), CALLS, WORKED_ON, CALL,
        _("Only calls that are in progress here begin; those logged afterwards do not."), never_again=NEVER_AGAIN,
    ),
    EventType(
        "call_ended", _("Call ended"), CALLS, WORKED_ON,
        (
            *CALL, fact("seconds", _("Duration in seconds"), "number"),
            fact("outcome", _("Outcome"), "select", options_source=options_of(Call.Outcome)),
        ),
        _("Only calls that were in progress here end; those logged afterwards do not."), never_again=NEVER_AGAIN,
    ),
    EventType(
        "playbook_logged", _("Playbook logged"), SALES, WORKED_ON,
        (fact("playbook", _("Playbook"), required=True), fact("user", _("Logged by"), "user")),
    ),
    EventType("sequence_enrolled", _("Enrolled in a sequence"), SEQUENCES, ("contact",), SEQUENCE),
    EventType("sequence_finished", _("Finished a sequence"), SEQUENCES, ("contact",), SEQUENCE),
    EventType(
        "sequence_unenrolled", _("Unenrolled from a sequence"), SEQUENCES, ("contact",),
        (*SEQUENCE, fact("reason", _("Reason"))),
    ),
    EventType(
        "sequence_meeting_booked", _("Meeting booked through a sequence"), SEQUENCES, ("contact",),
        (*SEQUENCE, fact("meeting", _("Meeting")), STARTS),
    ),
)  # fmt: skip

for event_type in TYPES:
    event_types.register(event_type)
