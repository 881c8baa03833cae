"""Emails of sequences in the outbox: asked about once more before they leave, and learned from when they come back."""

from __future__ import annotations

import datetime as dt

from crm.emails.recipients import bounced
from crm.models import BouncedAddress, SequenceEnrollment
from crm.sequences.enrolling import unsubscribed
from crm.sequences.words import LEFT, REFUSALS
from crm.sequences.writing import KIND
from workflows.models import Delivery
from workflows.outbox import mails

Status = SequenceEnrollment.Status
#: The last email of a sequence leaves when its enrollment has ended already.
WANTED = (Status.ACTIVE, Status.FINISHED)
REASON_LIMIT = 500


def objection(delivery: Delivery) -> str:
    """Why a contact must not get an email any more that has waited to be sent; "" when it may."""
    found = SequenceEnrollment.objects.filter(pk=int(delivery.request["metadata"]["sequence"]))
    one = found.select_related("sequence", "contact").first()
    if one is None or one.contact.deleted_at is not None or one.status not in WANTED:
        return str(LEFT)
    if unsubscribed(one.sequence, [one.contact_id]):
        return str(REFUSALS["sequence_unsubscribed"])
    if not one.contact.email:
        return str(REFUSALS["sequence_no_address"])
    # Learned since the contact was enrolled, perhaps of another email.
    return str(REFUSALS["sequence_bounced"]) if bounced([one.contact.email]) else ""


def address(delivery: Delivery) -> str:
    """Where an email goes: to the address its contact has now."""
    enrollments = SequenceEnrollment.objects.filter(pk=int(delivery.request["metadata"]["sequence"]))
    return str(enrollments.values_list("contact__email", flat=True).first() or delivery.request["to"])


def ended(delivery: Delivery, ending: mails.Ending, now: dt.datetime) -> None:
    """An address that the mail server does not know is learned."""
    if ending.bounced:
        learn_bounce(delivery.request["to"], delivery.request["subject"], ending.error, now)


def learn_bounce(address: str, subject: str, reason: str, now: dt.datetime) -> None:
    """Keep an address that does not work, with the email that told so."""
    row = BouncedAddress(
        address=address.lower(), email=subject[:300], reason=reason[:REASON_LIMIT], bounced_at=now
    )  # fmt: skip
    BouncedAddress.objects.bulk_create([row], ignore_conflicts=True)


def register_mails() -> None:
    """Called once, when the apps are ready."""
    mails.kinds[KIND] = mails.MailKind(objection, ended, address)
