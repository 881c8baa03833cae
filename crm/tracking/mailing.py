"""What mail services tell of emails to contacts (Anymail's webhooks) becomes hits, and from them events.

An email is known by its name, which whoever sends it gives along: the metadata `email`, or else its first tag. Of mail
without a name nothing is recorded. A service that tells of a later step has taken the earlier ones, too: who opened an
email has got it. Each step of one message is recorded once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from anymail.signals import inbound, tracking
from django.conf import settings

from crm.models import Contact, Hit, MarketingEmail
from crm.tracking.collecting import keep
from crm.tracking.pages import clean_address, clean_text
from crm.tracking.unsubscribing import Asked, leave
from records.clock import database_now
from records.happening import keepers
from records.models import Event

SENT, DELIVERED = "email_sent", "email_delivered"
#: What stands in keys instead of a service for messages that were sent from here and tell their own id.
OURS = "headrace"
KINDS = {
    "queued": SENT, "sent": SENT, "delivered": DELIVERED, "opened": "email_opened", "clicked": "email_clicked",
    "bounced": "email_bounced", "complained": "email_marked_as_spam", "unsubscribed": "email_unsubscribed",
}  # fmt: skip
#: What must have happened before.
BEFORE = {DELIVERED: (SENT,), "email_bounced": (SENT,)} | dict.fromkeys(
    ("email_opened", "email_clicked", "email_marked_as_spam", "email_unsubscribed"), (SENT, DELIVERED)
)
#: Reasons for which an address will not work later either.
HARD = {"invalid", "bounced"}
#: What Apple's mail programs call themselves when they load the pictures of every mail, read or not.
PRIVACY_PROXY = "Mozilla/5.0"
SEND_KINDS = {"automated", "ab_test", "batch"}
#: How far back an email may lie that is replied to.
REPLY_DAYS = 180


def hits_of(event: Any, service: str, now: dt.datetime) -> list[Hit]:
    """The hits of one event as Anymail tells it; none for what is no event of ours, or of mail without a name."""
    kind, metadata = KINDS.get(event.event_type), event.metadata if isinstance(event.metadata, Mapping) else {}
    name = clean_text(metadata.get("email")) or next((clean_text(tag) for tag in event.tags or () if tag), "")
    address = clean_text(event.recipient, 254).lower()
    if kind is None or not name or not address:
        return []
    facts = {"email": name, **{key: clean_text(metadata.get(key)) for key in ("subject", "campaign")}}
    facts |= {"kind": metadata["kind"]} if metadata.get("kind") in SEND_KINDS else {}
    facts = {key: value for key, value in facts.items() if value}
    at = min(event.timestamp or now, now)
    message = clean_text(event.message_id, 150).strip("<>")
    if own := clean_text(metadata.get("message"), 150):
        service, message = OURS, own
    made = []
    if message:
        for earlier in BEFORE.get(kind, ()):
            made.append(hit(earlier, facts, address, at, now, step_key(service, message, address)))
    once = step_key(service, message, address) if message and kind in (SENT, DELIVERED) else told_key(event, service)
    return [*made, hit(kind, facts | more_facts(kind, event), address, at, now, once)]


def hit(kind: str, facts: dict[str, Any], address: str, at: dt.datetime, now: dt.datetime, key: str) -> Hit:
    return Hit(kind=kind, facts=facts, address=address, occurred_at=at, received_at=now, key=key, state=Hit.State.NEW)


def step_key(service: str, message: str, address: str) -> str:
    """The key of sending or delivering one message to one address."""
    return f"{service}/{message}/{hashlib.sha256(address.encode()).hexdigest()[:20]}"[:255]


def told_key(event: Any, service: str) -> str:
    """The service's own id of an event; one made of what it says where it gives none."""
    if event.event_id:
        return f"{service}/{clean_text(event.event_id, 200)}"
    facts = (event.event_type, event.message_id, event.recipient, event.timestamp, event.click_url)
    return f"{service}/{hashlib.sha256(repr(facts).encode()).hexdigest()}"


def more_facts(kind: str, event: Any) -> dict[str, Any]:
    if kind == "email_clicked":
        link = clean_address(event.click_url)
        return {"link": link} if link else {}
    if kind == "email_bounced":
        reason = clean_text(event.mta_response or event.description or "")
        return {"bounce": "hard" if event.reject_reason in HARD else "soft"} | ({"reason": reason} if reason else {})
    return {"by_machine": True} if kind == "email_opened" and opened_by_machine(event) else {}


def opened_by_machine(event: Any) -> bool:
    """Whether the provider says so, or the pictures were loaded by a proxy that loads them of every mail."""
    said = isinstance(event.esp_event, Mapping) and event.esp_event.get("sg_machine_open") is True
    return said or clean_text(event.user_agent).strip() == PRIVACY_PROXY


def take_event(sender: Any, event: Any, esp_name: str, **kwargs: Any) -> None:
    """Anymail's signal: what happened to a mail. Who complains or unsubscribes gets no more of it at once."""
    now = database_now()
    made = hits_of(event, esp_name, now)
    keep(made)
    if made and event.event_type in ("complained", "unsubscribed"):
        subscription = clean_text((event.metadata or {}).get("subscription"), 50)
        # Also in the trash: who is restored must not get mail again.
        for contact_id in Contact.objects.filter(email=made[0].address).values_list("pk", flat=True):
            leave(Asked(contact_id, subscription, ""), now)


def take_reply(sender: Any, event: Any, esp_name: str, **kwargs: Any) -> None:
    """Anymail's signal: a mail came in. An answer to a marketing email of the last months is recorded."""
    message, now = event.message, database_now()
    if message is None or message.from_email is None or automatic(message):
        return
    address = clean_text(message.from_email.addr_spec, 254).lower()
    contact_id = Contact.objects.filter(email=address, deleted_at=None).values_list("pk", flat=True).first()
    answered = clean_text(message["In-Reply-To"] or "").strip("<>")
    facts = answered_email(contact_id, answered, clean_text(message.subject or ""), now) if contact_id else None
    if facts is not None:
        given = clean_text(message["Message-ID"] or "", 200) or repr((address, answered, event.timestamp))
        key = f"{esp_name}/{hashlib.sha256(given.encode()).hexdigest()}"
        keep([hit("email_replied", facts, address, min(event.timestamp or now, now), now, key)])


def automatic(message: Any) -> bool:
    """Whether nobody wrote an incoming mail: a notice of absence, or a program that says that it has got something."""
    submitted = str(message["Auto-Submitted"] or "no").partition(";")[0].strip().lower()
    return submitted != "no" or message["X-Autoreply"] is not None


def answered_email(contact_id: int, answered: str, subject: str, now: dt.datetime) -> dict[str, Any] | None:
    """What was told of the email a reply answers: by the id of its message, else by its subject; None for none."""
    since = now - dt.timedelta(days=REPLY_DAYS)
    sent = Event.objects.filter(object_type="contact", record_id=contact_id, event=SENT, occurred_at__gte=since)
    bare = subject.rpartition(":")[2].strip().lower()
    by_subject = None
    for key, facts in sent.order_by("-occurred_at").values_list("key", "properties")[:200]:
        if answered and key and f"/{answered}/" in key:
            return dict(facts)
        if by_subject is None and bare and str(facts.get("subject", "")).strip().lower() == bare:
            by_subject = dict(facts)
    return by_subject


def learn(rows: Sequence[Mapping[str, Any]], now: dt.datetime) -> None:
    """Keep the names of emails that were sent."""
    names = {str(row["properties"]["email"])[:300] for row in rows}
    MarketingEmail.objects.bulk_create(
        [MarketingEmail(name=name, first_sent_at=now) for name in sorted(names)], ignore_conflicts=True
    )


def register_mailing() -> None:
    """Called once, when the apps are ready."""
    tracking.connect(take_event, dispatch_uid="crm.tracking.take_event")
    inbound.connect(take_reply, dispatch_uid="crm.tracking.take_reply")
    keepers.setdefault(SENT, []).append(learn)


def secret() -> bool:
    """Whether mail services have something to prove themselves by."""
    return bool(settings.ANYMAIL.get("WEBHOOK_SECRET"))
