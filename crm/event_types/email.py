"""Marketing email and subscriptions to it (EVT-07 to EVT-13)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from records.event_types import EventType, event_types
from records.event_types.base import fact
from records.properties import Option, Property, Text

CATEGORY = _("Marketing email")
MAIL = (fact("email", _("Email"), required=True), fact("subject", _("Subject")), fact("campaign", _("Campaign")))
KINDS = (Option("automated", _("Automated")), Option("ab_test", _("A/B test")), Option("batch", _("Batch")))
BOUNCES = (Option("hard", _("Permanent")), Option("soft", _("Temporary")))
KIND = fact("kind", _("Kind of email"), "select", options_source=KINDS)
#: Machines that load pictures for their users open every email.
MACHINE = fact("by_machine", _("Opened by a machine"), "boolean")
LINK = fact("link", _("Link"), "url")
STATES = (Option("opted_in", _("Opted in")), Option("opted_out", _("Opted out")))


#: Emails sent to many at once count in filters, but trigger nothing (EVT-07).
QUIET = (("kind", "batch"),)


#: The fact that tells, and why one should ask for it.
BY_ITSELF = _("Mail programs open emails by themselves, too: a click or a reply says more.")


def mail(slug: str, label: Text, sentence: Text, row: str, *more: Property, **facts_of: Any) -> EventType:
    facts, spec = (*MAIL, KIND, *more), (row, "FLT-26", "FLT-27") if row else ("FLT-26", "FLT-27")
    return EventType(slug, label, CATEGORY, ("contact",), facts, spec=spec, sentence=sentence, quiet=QUIET, **facts_of)


TYPES = (
    mail("email_sent", _("Marketing email sent"), _("Was sent the email “%(email)s”"), "EVT-07"),
    mail("email_delivered", _("Marketing email delivered"), _("Received the email “%(email)s”"), "EVT-08"),
    mail(
        "email_opened", _("Marketing email opened"), _("Opened the email “%(email)s”"), "EVT-09", MACHINE,
        description=BY_ITSELF, doubtful=(MACHINE.slug, BY_ITSELF),
    ),
    mail(
        "email_clicked", _("Link in a marketing email clicked"), _("Clicked a link in the email “%(email)s”"),
        "EVT-10", LINK,
    ),
    mail("email_replied", _("Marketing email replied to"), _("Replied to the email “%(email)s”"), "EVT-11"),
    mail(
        "email_bounced", _("Marketing email bounced"), _("The email “%(email)s” bounced"), "EVT-12",
        fact("bounce", _("Bounce"), "select", options_source=BOUNCES), fact("reason", _("Reason")),
    ),
    mail(
        "email_marked_as_spam", _("Marketing email marked as spam"), _("Marked the email “%(email)s” as spam"), "",
    ),
    mail("email_unsubscribed", _("Unsubscribed by a marketing email"), _("Unsubscribed by the email “%(email)s”"), ""),
    EventType(
        "subscription_updated", _("Email subscription updated"), CATEGORY, ("contact",),
        (
            fact("subscription", _("Subscription type"), required=True), fact("channel", _("Channel")),
            fact("state", _("State"), "select", options_source=STATES, required=True), fact("reason", _("Reason")),
        ),
        spec=("EVT-13",),
    ),
)  # fmt: skip

for event_type in TYPES:
    event_types.register(event_type)
