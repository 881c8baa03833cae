"""One-to-one email (EVT-29)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.event_types.sales import NEVER_AGAIN, WORKED_ON
from records.event_types import EventType, event_types
from records.event_types.base import fact

RECEIVED = EventType(
    "email_received", _("One-to-one email received"), _("One-to-one email"), WORKED_ON,
    (fact("subject", _("Subject")), fact("from", _("From")), fact("sent_at", _("Sent"), "datetime")),
    _("An incoming email is associated with the record."), never_again=NEVER_AGAIN,
)  # fmt: skip

event_types.register(RECEIVED)
