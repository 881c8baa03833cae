"""Meetings, calls, playbooks and sequences (EVT-18 to EVT-26)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from records.event_types import EventType, event_types
from records.event_types.base import fact
from records.properties import Option

MEETINGS, CALLS, SALES, SEQUENCES = _("Meetings"), _("Calls"), _("Sales"), _("Sequences")
#: On whom people work.
WORKED_ON = ("contact", "company", "deal", "ticket")
OUTCOMES = (
    Option("scheduled", _("Scheduled")), Option("completed", _("Completed")), Option("rescheduled", _("Rescheduled")),
    Option("no_show", _("No show")), Option("cancelled", _("Cancelled")),
)  # fmt: skip
DIRECTIONS = (Option("inbound", _("Inbound")), Option("outbound", _("Outbound")))
CALL_OUTCOMES = (
    Option("connected", _("Connected")), Option("no_answer", _("No answer")), Option("busy", _("Busy")),
    Option("left_voicemail", _("Left a voicemail")), Option("wrong_number", _("Wrong number")),
)  # fmt: skip
HOST = fact("host", _("Host"), "user")
STARTS = fact("starts_at", _("Starts"), "datetime")
CALL = (
    fact("direction", _("Direction"), "select", options_source=DIRECTIONS), fact("number", _("Number"), "phone"),
    fact("user", _("Made by"), "user"),
)  # fmt: skip
SEQUENCE = (fact("sequence", _("Sequence"), required=True), fact("user", _("Enrolled by"), "user"))
TYPES = (
    EventType(
        "meeting_booked", _("Meeting booked"), MEETINGS, WORKED_ON,
        (fact("meeting", _("Meeting")), HOST, STARTS, fact("page", _("Booked on"), "url")),
    ),
    EventType(
        "meeting_outcome_changed", _("Meeting outcome changed"), MEETINGS, WORKED_ON,
        (
            fact("meeting", _("Meeting")), HOST, STARTS,
            fact("outcome", _("Outcome"), "select", options_source=OUTCOMES, required=True),
        ),
    ),
    EventType("call_started", _("Call started"), CALLS, WORKED_ON, CALL),
    EventType(
        "call_ended", _("Call ended"), CALLS, WORKED_ON,
        (
            *CALL, fact("seconds", _("Duration in seconds"), "number"),
            fact("outcome", _("Outcome"), "select", options_source=CALL_OUTCOMES),
        ),
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
