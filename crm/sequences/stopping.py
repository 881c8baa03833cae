"""What ends a way through a sequence by itself: an answer, a meeting, a bounce, a wish for no more emails.

An answer is an answer to a marketing email, an incoming one-to-one email that is associated with the contact, however
it was written down, and a mail that a mail service hands over.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from anymail.signals import inbound, tracking
from django.db import transaction

from crm.models import Contact, Email, SequenceEnrollment, SequenceRun
from crm.sequences.leaving import end, meeting_booked, stop
from crm.sequences.mailing import learn_bounce
from crm.subscribing import EVENT as SUBSCRIPTION_UPDATED
from crm.subscribing import Channel
from crm.tracking.mailing import HARD, automatic
from crm.tracking.pages import clean_text
from crm.tracking.unsubscribing import Asked, leave
from records.associations import associate_new
from records.clock import database_now
from records.happening import keepers
from records.journal import change_source
from records.object_types import object_types

Status = SequenceEnrollment.Status
Rows = Sequence[Mapping[str, Any]]
BODY_LIMIT = 65_536


def after_answers(rows: Rows, now: dt.datetime) -> None:
    """An answer ends what the contact was in already when it was written; older mail may be entered later."""
    written = {row["record_id"]: written_at(row) for row in rows if row["object_type"] == "contact"}
    if written:
        active = SequenceEnrollment.objects.filter(contact__in=list(written), status=Status.ACTIVE)
        end((one.pk for one in active if one.enrolled_at <= written[one.contact_id]), Status.REPLIED, now=now)


def written_at(row: Mapping[str, Any]) -> dt.datetime:
    """When a mail was sent, or else when it was told of."""
    return dt.datetime.fromisoformat(row["properties"].get("sent_at") or row["occurred_at"])


def after_bounces(rows: Rows, now: dt.datetime) -> None:
    """An address that will not work later either."""
    bounced = [row["record_id"] for row in rows if row["properties"].get("bounce") == "hard"]
    if bounced:
        stop(bounced, Status.BOUNCED, now=now)


def after_wishes(rows: Rows, now: dt.datetime) -> None:
    wishes: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        facts = row["properties"]
        if facts.get("state") == "opted_out" and facts.get("channel") == Channel.EMAIL:
            wishes[facts["subscription"]].append(row["record_id"])
    for subscription, contacts in wishes.items():
        stop(contacts, Status.UNSUBSCRIBED, now=now, subscription=subscription)


def after_meetings(rows: Rows, now: dt.datetime) -> None:
    booked = {row["record_id"]: row["properties"] for row in rows if row["object_type"] == "contact"}
    if booked:
        meeting_booked(booked, now)


def take_told(sender: Any, event: Any, esp_name: str, **kwargs: Any) -> None:
    """Anymail's signal: what became of a mail of a sequence, which its metadata names."""
    named = (event.metadata or {}).get("sequence") if isinstance(event.metadata, Mapping) else None
    text = str(named or "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        return
    found = SequenceEnrollment.objects.filter(pk=int(text)).select_related("sequence__subscription").first()
    if found is None:
        return
    now = database_now()
    with change_source("sequence"):
        if event.event_type == "bounced" and event.reject_reason in HARD:
            end([found.pk], Status.BOUNCED, now=now)
            mark_bounced(found, clean_text(event.message_id, 300).strip("<>"))
            if address := clean_text(event.recipient, 254):
                reason = clean_text(event.mta_response or event.description or "")
                learn_bounce(address, found.sequence.name, reason, now)
        elif event.event_type in ("complained", "unsubscribed"):
            leave(Asked(found.contact_id, found.sequence.subscription.slug, ""), now)


def mark_bounced(enrollment: SequenceEnrollment, message: str) -> None:
    """Say of the email that bounced, the last one where its message is not known, that it did."""
    mails = SequenceRun.objects.filter(enrollment=enrollment, kind="email").order_by("-id")
    run = mails.filter(message=message).first() or mails.first()
    if run is not None:
        Email.objects.filter(pk=run.record_id).update(status=Email.Status.BOUNCED)


def take_answer(sender: Any, event: Any, esp_name: str, **kwargs: Any) -> None:
    """Anymail's signal: a mail came in. One of a contact who is in a sequence is written down, and ends it."""
    message = event.message
    if message is None or message.from_email is None or automatic(message):
        return
    address = clean_text(message.from_email.addr_spec, 254).lower()
    contact = Contact.objects.filter(email=address, deleted_at=None).first()
    if contact is None:
        return
    now = database_now()
    with transaction.atomic(), change_source("sequence"):
        # Whoever hands the same mail over twice finds nobody in a sequence the second time.
        if stop([contact.pk], Status.REPLIED, now=now):
            write_down(contact, address, message, min(event.timestamp or now, now), now)


def write_down(contact: Contact, address: str, message: Any, at: dt.datetime, now: dt.datetime) -> None:
    """The answer as an incoming email of the contact."""
    to = ", ".join(clean_text(one.addr_spec, 254) for one in message.to or ())
    email = Email.objects.create(
        subject=clean_text(message.subject or "", 250) or "–", direction=Email.Direction.INCOMING, sender=address,
        recipients=to[:1000], body=(message.text or "").replace("\x00", "")[:BODY_LIMIT], sent_at=at,
        owner_id=contact.owner_id, created_at=now,
    )  # fmt: skip
    associate_new(object_types["contact"], object_types["email"], [(contact.pk, email.pk)])


def register_stopping() -> None:
    """Called once, when the apps are ready."""
    for event, listener in (
        ("email_replied", after_answers), ("email_received", after_answers), ("email_bounced", after_bounces),
        (SUBSCRIPTION_UPDATED, after_wishes), ("meeting_booked", after_meetings),
    ):  # fmt: skip
        keepers.setdefault(event, []).append(listener)
    tracking.connect(take_told, dispatch_uid="crm.sequences.take_told")
    inbound.connect(take_answer, dispatch_uid="crm.sequences.take_answer")
