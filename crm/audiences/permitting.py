"""Who may be shown ads by an audience: marketing contacts who have not said no (MKT-01)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q

from crm.models import Audience, Contact, CookieConsent, MarketingStatus, Subscription

#: What somebody has answered who does not want to be followed from website to website.
AGAINST = (CookieConsent.DECLINED, CookieConsent.REVOKED)


def permitted(audience: Audience) -> Q:
    """The contacts that may be in an audience, as a condition on contacts."""
    found = Q(deleted_at=None, marketing_status=MarketingStatus.MARKETING) & ~Q(cookie_consent__in=AGAINST)
    if audience.type_id:
        said = Subscription.objects.filter(
            contact=OuterRef("pk"), type=audience.type, status=Subscription.Status.SUBSCRIBED
        )
        found &= Q(Exists(said))
    return found


def refusals(audience: Audience, contacts: Iterable[Any]) -> dict[int, str]:
    """Why contacts may not be in an audience, by id, as reasons of the history; one statement."""
    contacts = list(contacts)
    ids = [one.pk for one in contacts]
    allowed = set(Contact.objects.filter(permitted(audience), pk__in=ids).values_list("pk", flat=True))
    return {one.pk: refusal(one) for one in contacts if one.pk not in allowed}


def refusal(contact: Any) -> str:
    if contact.marketing_status != MarketingStatus.MARKETING:
        return "audience_not_marketing"
    return "audience_cookies_declined" if contact.cookie_consent in AGAINST else "audience_not_subscribed"
