"""Who may get a marketing email: whom it must not reach is left out, with the reason (COM-05)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crm.models import BouncedAddress, Contact, MarketingStatus, Subscription, SubscriptionType

Status = Subscription.Status


@dataclass(frozen=True)
class Rules:
    """Which contacts get it: `marketing`: only marketing contacts; `subscribed`: only who has said yes to the type."""

    marketing: bool = True
    subscribed: bool = False


def rules_for(subscription: SubscriptionType, object_type: str, *, subscribed: bool) -> Rules:
    """The rules of an email sent by a workflow for records of a type.

    Who has a ticket open has asked for an answer: emails of customer service about tickets go to non-marketing
    contacts, too (COM-04).
    """
    service = object_type == "ticket" and subscription.purpose == SubscriptionType.Purpose.SERVICE
    return Rules(marketing=not service, subscribed=subscribed)


def refusals(contacts: Iterable[Any], type_slug: str, rules: Rules) -> dict[int, str]:
    """Why contacts must not get an email of a type, by id, as reasons of workflows.history.reasons; two statements."""
    contacts = list(contacts)
    said: dict[int, str] = dict(
        Subscription.objects.filter(contact__in=[one.pk for one in contacts], type__slug=type_slug).values_list(
            "contact_id", "status"
        )
    )
    broken = bounced({one.email for one in contacts if one.email})
    found = {}
    for one in contacts:
        reason = refusal(one, said.get(one.pk, ""), broken, rules)
        if reason:
            found[one.pk] = reason
    return found


def refusal(contact: Any, status: str, broken: Collection[str], rules: Rules) -> str:
    if not contact.email:
        return "email_no_address"
    if status == Status.UNSUBSCRIBED:
        return "email_opted_out"
    if contact.email.lower() in broken:
        return "email_bounced"
    if rules.subscribed and status != Status.SUBSCRIBED:
        return "email_not_subscribed"
    if rules.marketing and contact.marketing_status != MarketingStatus.MARKETING:
        return "email_not_marketing"
    return ""


def bounced(addresses: Iterable[str]) -> set[str]:
    """Those of some addresses that do not work, in small letters."""
    asked = {address.lower() for address in addresses}
    return set(BouncedAddress.objects.filter(address__in=asked).values_list("address", flat=True))


def opted_out(addresses: Iterable[str], type_slug: str) -> dict[str, str]:
    """Why copies must not go to some addresses: whose they are has unsubscribed, or they do not work."""
    asked = {address.lower() for address in addresses}
    gone = Contact.objects.filter(
        email__in=asked,
        deleted_at=None,
        subscriptions__type__slug=type_slug,
        subscriptions__status=Status.UNSUBSCRIBED,
    )
    broken = dict.fromkeys(bounced(asked), "email_bounced")
    return broken | {str(address).lower(): "email_opted_out" for address in gone.values_list("email", flat=True)}


def counted(reasons: Mapping[int, str], ids: Iterable[int]) -> dict[str, int]:
    """How many of some contacts were left out, by reason."""
    found: dict[str, int] = {}
    for pk in ids:
        if pk in reasons:
            found[reasons[pk]] = found.get(reasons[pk], 0) + 1
    return found
