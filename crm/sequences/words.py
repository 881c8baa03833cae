"""Why nobody could be enrolled in a sequence, and why a way through one ended, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import SequenceEnrollment
from workflows.history import reasons

Status = SequenceEnrollment.Status

#: By code; the steps of workflows have the same codes (workflows.history.reasons).
REFUSALS = {
    "in_sequence": _("The contact is in a sequence already, and nobody is in two at a time."),
    "sequence_no_address": _("The contact has no email address. Add one first."),
    "sequence_unsubscribed": _("The contact has unsubscribed from these emails."),
    "sequence_bounced": _(
        "Mail to the contact’s address comes back. Correct it, or take it off the bounced addresses."
    ),
    "sequence_off": _("The sequence takes nobody at the moment. Open it first."),
    "sequence_empty": _("The sequence has no steps yet. Add some first."),
    "sequence_no_sender": _("There is nobody to send it: the record has no owner. Give it one, or choose a sender."),
    "sequence_sender_inactive": _("The sender is not active any more. Choose somebody else."),
    "sequence_sender_address": _("The sender has no email address. Add one, or give a from-address."),
    "record_deleted": _("The contact has been deleted."),
}
NOT_IN_ONE, NO_AGENT = "not_in_sequence", "no_agent"
#: Why an email was not sent that had waited.
LEFT = _("The contact had left the sequence before this was sent.")

#: Why an enrollment ended where its state does not say it all.
REASONS = {
    "contact_deleted": _("The contact was deleted."),
    "merged": _("The contact was merged into one that is in a sequence itself."),
    "no_address": _("The contact had no email address any more."),
    "sender_gone": _("The sender was not active any more."),
    "not_sent": _("An email could not be sent. The page “Deliveries” says why."),
    "unexpected": _("An unexpected error kept a step from being taken. The log of the workers says more."),
    "text": _("A text of the step could not be filled in for this contact."),
    "not_written": _("AI did not write an email that can be sent. The page “Deliveries” says what it was asked."),
    "strange_link": _(
        "AI put a link into the email that the instruction does not name, so it was not sent. The page “Deliveries” "
        "says what was answered. Name the links it may use in the step."
    ),
    "no_ai_provider": _("There was no AI provider to ask for an email. Set one up under “AI providers”."),
    "ai_quota": _("The emails AI may write in a month were used up. “AI providers” says how many they are."),
    "not_asked": _("AI could not be asked for an email. The log of the workers says more."),
}

#: States in the order in which figures name them, with the tone of their chips.
TONES = {
    Status.ACTIVE: "chip-info", Status.FINISHED: "chip-ok", Status.REPLIED: "chip-ok", Status.MEETING: "chip-ok",
    Status.UNENROLLED: "chip-muted", Status.UNSUBSCRIBED: "chip-warn", Status.BOUNCED: "chip-danger",
    Status.STOPPED: "chip-danger",
}  # fmt: skip
#: Those a list of sequences counts.
FIGURES = (Status.ACTIVE.value, Status.FINISHED.value, Status.REPLIED.value, Status.MEETING.value)


@dataclass(frozen=True)
class Figure:
    """How many enrollments of a sequence are in a state."""

    state: str
    label: str
    count: int


def count_states(sequence: int) -> list[Figure]:
    """How many enrollments of a sequence are in each state."""
    rows = SequenceEnrollment.objects.filter(sequence=sequence).order_by().values_list("status")
    counts = dict(rows.annotate(count=Count("pk")))
    return [Figure(state.value, str(state.label), counts.get(state.value, 0)) for state in TONES]


def why(one: SequenceEnrollment) -> str:
    """Why an enrollment ended, where its state does not say it all; "" for nothing to say."""
    if one.reason:
        return str(REASONS.get(one.reason, one.reason))
    if one.status == Status.UNENROLLED and one.ended_by is not None:
        return gettext("%(person)s did it.") % {"person": one.ended_by}
    return ""


def register_words() -> None:
    """Called once, when the apps are ready: steps of workflows say the same."""
    for code, sentence in REFUSALS.items():
        reasons.REASONS.setdefault(code, sentence)
    reasons.REASONS[NO_AGENT] = _(
        "There is no prospecting agent. Tick “the prospecting agent” in a sequence with emails written by AI."
    )
    reasons.REASONS[NOT_IN_ONE] = _("The contact was in no sequence, or in another one.")
