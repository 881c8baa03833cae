"""What contacts say themselves about the mail they want: a signed link, a page, and one click (RFC 8058)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.models import Contact, Subscription, SubscriptionType
from crm.subscribing import Wish, set_status
from crm.tracking.links import BrokenLink
from records.happening import happen
from records.merging.remembering import merged_into
from records.object_types import object_types

SALT = "crm.tracking.preferences"
Status = Subscription.Status


@dataclass(frozen=True)
class Asked:
    """Who opened the page, and what the mail was about: a subscription type and the email's name, or "".

    `contact_id` is None where nothing is left of the contact; `deleted`: contacts in the trash that are the same
    person, who may be restored and must not get mail again then.
    """

    contact_id: int | None
    type: str
    email: str
    deleted: tuple[int, ...] = ()

    @property
    def ids(self) -> list[int]:
        """Every contact the person is."""
        return [pk for pk in (self.contact_id, *self.deleted) if pk is not None]


@dataclass(frozen=True)
class Choice:
    """A subscription type and what the contact has said about it."""

    type: SubscriptionType
    status: str

    @property
    def chosen(self) -> bool:
        return self.status == Status.SUBSCRIBED


def preferences_link(contact_id: int, subscription: str = "", email: str = "") -> str:
    """The path of a contact's page of preferences, for a mail about one subscription type or about none."""
    said = {"c": contact_id, "t": subscription, "e": email}
    return reverse("tracking:preferences", args=[signing.dumps(said, salt=SALT, compress=True)])


def list_unsubscribe(address: str) -> dict[str, str]:
    """The headers by which mail programs offer to unsubscribe at the absolute address of a page of preferences."""
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def read(token: str) -> Asked:
    """Who has followed a link: what was merged is what it went into. Raises BrokenLink for a link not made here.

    A link in a mail works for good, whatever has become of the contact: who is in the trash is found there, with
    whoever has the email address now.
    """
    try:
        said = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise BrokenLink(str(error)) from None
    contact_id = merged_into(object_types["contact"], [said["c"]]).get(said["c"], said["c"])
    found = Contact.objects.filter(pk=contact_id).values_list("email", "deleted_at").first()
    if found is None:
        return Asked(None, said["t"], said["e"])
    email, deleted_at = found
    if deleted_at is None:
        return Asked(contact_id, said["t"], said["e"])
    same = Contact.objects.filter(email=email, deleted_at=None).values_list("pk", flat=True)
    living = same.first() if email else None
    return Asked(living or contact_id, said["t"], said["e"], (contact_id,) if living else ())


def choices_of(contact_id: int | None) -> list[Choice]:
    """The emails one can subscribe to; those nobody can any more only while the contact still gets them.

    None for who gets none, as nothing is left of the contact.
    """
    if contact_id is None:
        return []
    rows = Subscription.objects.filter(contact=contact_id).values_list("type__slug", "status")
    said: dict[str, str] = dict(rows)
    found = SubscriptionType.objects.filter(channel=SubscriptionType.Channel.EMAIL)
    shown = [Choice(one, said.get(one.slug, Status.NOT_SPECIFIED)) for one in found]
    return [choice for choice in shown if choice.type.active or choice.chosen]


def choose(asked: Asked, wanted: Collection[str], now: dt.datetime) -> None:
    """Set what the contact wants to what was ticked; what was not shown, or nobody offers any more, stays as it is."""
    with transaction.atomic():
        for choice in choices_of(asked.contact_id):
            subscribing = choice.type.slug in wanted
            if subscribing and not choice.chosen and choice.type.active:
                basis = Subscription.LegalBasis.CONSENT
                wish = Wish(choice.type, Status.SUBSCRIBED, basis, _("Chosen on the page of preferences."))
                set_status(asked.ids, wish, source=Subscription.Source.CONTACT, now=now)
            elif not subscribing:
                opt_out(asked, [choice], now)


def leave(asked: Asked, now: dt.datetime) -> None:
    """Unsubscribe from what the mail was about; from every kind of email when it does not say."""
    found = SubscriptionType.objects.filter(channel=SubscriptionType.Channel.EMAIL)
    about = found.filter(slug=asked.type) if asked.type else found
    with transaction.atomic():
        opt_out(asked, [Choice(one, "") for one in about or found], now)


def opt_out(asked: Asked, choices: Collection[Choice], now: dt.datetime) -> None:
    """Unsubscribe, also from what the contact has never said anything about, and tell of it once."""
    if asked.contact_id is None:
        return
    changed = False
    for choice in choices:
        if choice.status != Status.UNSUBSCRIBED or asked.deleted:
            wish = Wish(choice.type, Status.UNSUBSCRIBED, "", _("Unsubscribed by a link in an email."))
            changed |= bool(set_status(asked.ids, wish, source=Subscription.Source.CONTACT, now=now))
    if changed and asked.email:
        happen("email_unsubscribed", "contact", [asked.contact_id], properties={"email": asked.email}, now=now)
