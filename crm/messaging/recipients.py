"""Whom a message may go to: contacts who have opted in, by the number they can be reached at (COM-12, COM-13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.models import Contact, Subscription, SubscriptionType
from records.properties import Property
from workflows.actions.format_phone import e164, number_of

Status = Subscription.Status


@dataclass(frozen=True)
class Recipient:
    """A contact and the number it is reached at, in its international form (E.164)."""

    contact: int
    number: str


@dataclass(frozen=True)
class Refusal:
    """Why a contact gets nothing: a code of workflows.history.reasons, and its facts."""

    reason: str
    facts: dict[str, Any] = field(default_factory=dict)


def recipients(
    ids: Iterable[int], subscription: SubscriptionType, properties: Sequence[Property], country: str | None
) -> dict[int, Recipient | Refusal]:
    """What becomes of each contact; the first of the properties that is not blank has its number. Two statements.

    `country` (two letters) is that of numbers without a country code.
    """
    asked = list(ids)
    rows = Subscription.objects.filter(type=subscription, contact_id__in=asked)
    wants = dict(rows.values_list("contact_id", "status"))
    found: dict[int, Recipient | Refusal] = {}
    for contact in Contact.objects.filter(pk__in=asked, deleted_at=None):
        pk = contact.pk
        found[pk] = refusal(wants.get(pk), subscription) or reached(contact, properties, country)
    return found


def refusal(status: str | None, subscription: SubscriptionType) -> Refusal | None:
    """Why somebody who wants this of a subscription type gets nothing of it; None for who has opted in."""
    if status == Status.SUBSCRIBED:
        return None
    return Refusal("opted_out" if status == Status.UNSUBSCRIBED else "not_opted_in", {"type": subscription.name})


def reached(contact: Contact, properties: Sequence[Property], country: str | None) -> Recipient | Refusal:
    """The number of a contact."""
    texts = [text for prop in properties if (text := prop.read(contact))]
    if not texts:
        return Refusal("no_number", {"property": " / ".join(str(prop.label) for prop in properties)})
    number = number_of(texts[0], country or None)
    if number is None:
        return Refusal("not_a_number", {"value": str(texts[0])[:100]})
    return Recipient(contact.pk, e164(number))
