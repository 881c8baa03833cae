"""Marketing emails in the outbox: put there by workflows, asked about once more before they leave, and told of."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Any

from django.conf import settings

from crm.emails import recipients
from crm.emails.mailboxes import mailbox
from crm.emails.recipients import Rules
from crm.emails.rendering import AUTOMATED, Message
from crm.models import BouncedAddress, Contact, EmailTemplate, SubscriptionType
from crm.tracking.collecting import hit, keep
from crm.tracking.mailing import OURS, step_key
from crm.tracking.unsubscribing import list_unsubscribe
from records.happening import keepers
from workflows.history.reasons import reason_sentence
from workflows.models import Delivery
from workflows.outbox import mails
from workflows.outbox.mailing import message_id

KIND = "email"
State = Delivery.State
REASON_LIMIT = 500


def sender_of(template: EmailTemplate) -> str:
    """Whom an email is from, as a header has it."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return mailbox(template.from_name or name, template.from_address or address)


def usual_sender() -> str:
    """Whom mails are from that nobody has given a sender, as a header has it."""
    return mailbox(*parseaddr(settings.DEFAULT_FROM_EMAIL))


def request_of(template: EmailTemplate, message: Message, to: str, key: str) -> dict[str, Any]:
    """The request of one message, without whom it is about."""
    sender = sender_of(template)
    return {
        "to": to, "from": sender, "reply_to": template.reply_to, "subject": message.subject, "text": message.text,
        "html": message.html, "email": template.name, "headers": {}, "message": own_id(key, sender),
    }  # fmt: skip


def to_contact(template: EmailTemplate, message: Message, contact: Any, rules: Rules, key: str) -> dict[str, Any]:
    """The request of an email to a contact: it can be unsubscribed from, and what becomes of it is told."""
    request = request_of(template, message, contact.email, key)
    metadata = {
        "email": template.name, "subject": message.subject[:100], "kind": AUTOMATED,
        "subscription": template.type_id, "message": request["message"],
    }  # fmt: skip
    return request | {
        "contact": contact.pk, "type": template.type_id, "headers": list_unsubscribe(message.preferences),
        "rules": {"marketing": rules.marketing, "subscribed": rules.subscribed},
        "metadata": metadata,
    }  # fmt: skip


def own_id(key: str, sender: str) -> str:
    """The Message-ID the mail of a key will have, without its brackets."""
    return message_id(Delivery(key=key, request={"from": sender})).strip("<>")


def short(address: str) -> str:
    """An address as a part of a key."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:16]


def objection(delivery: Delivery) -> str:
    """Why a contact must not get an email any more that has waited to be sent; "" when it may."""
    request = delivery.request
    if "copy" in request:
        return copy_objection(request["to"], request["copy"])
    if "contact" not in request:
        return ""
    contact = Contact.objects.filter(pk=request["contact"], deleted_at=None).first()
    if contact is None:
        return str(reason_sentence({"reason": "record_deleted"}))
    reasons = recipients.refusals([contact], request["type"], Rules(**request["rules"]))
    if not reasons:
        return ""
    return sentence(reasons[contact.pk], request["type"])


def address(delivery: Delivery) -> str:
    """Where an email goes: a contact's to the address it has now, a copy to the one it was written for."""
    request = delivery.request
    if "copy" in request or "contact" not in request:
        return str(request["to"])
    now = Contact.objects.filter(pk=request["contact"]).values_list("email", flat=True).first()
    return str(now or request["to"])


def copy_objection(address: str, type_slug: str) -> str:
    """Why a copy must not go to an address any more; "" when it may."""
    reason = recipients.opted_out([address], type_slug).get(address.lower())
    return sentence(reason, type_slug) if reason else ""


def sentence(reason: str, type_slug: str) -> str:
    name = SubscriptionType.objects.filter(slug=type_slug).values_list("name", flat=True).first()
    return str(reason_sentence({"reason": reason, "type": name or type_slug}))


def ended(delivery: Delivery, ending: mails.Ending, now: dt.datetime) -> None:
    """Tell the contact's events that an email was sent, or came back."""
    request = delivery.request
    if "contact" not in request or "copy" in request or not (ending.state == State.DONE or ending.bounced):
        return
    facts = {"email": request["email"], "subject": request["subject"], "kind": AUTOMATED}
    kind = "email_sent"
    if ending.bounced:
        kind, facts = "email_bounced", facts | {"bounce": "hard", "reason": ending.error[:REASON_LIMIT]}
    keep(
        [
            hit(
                kind,
                facts,
                now,
                contact_id=request["contact"],
                key=step_key(OURS, request["message"], request["to"].lower()),
            )
        ]
    )


def learn_bounces(rows: Sequence[Mapping[str, Any]], now: dt.datetime) -> None:
    """Keep the addresses of contacts whose email came back for good."""
    hard = {row["record_id"]: row["properties"] for row in rows if row["properties"].get("bounce") == "hard"}
    found = Contact.objects.filter(pk__in=hard).exclude(email=None).values_list("pk", "email")
    BouncedAddress.objects.bulk_create(
        (
            BouncedAddress(
                address=str(email).lower(), email=str(hard[pk].get("email") or "")[:300],
                reason=str(hard[pk].get("reason") or "")[:REASON_LIMIT], bounced_at=now,
            )
            for pk, email in sorted(found)
        ),
        ignore_conflicts=True,
    )  # fmt: skip


def register_emails() -> None:
    """Called once, when the apps are ready."""
    mails.kinds[KIND] = mails.MailKind(objection, ended, address)
    keepers.setdefault("email_bounced", []).append(learn_bounces)
