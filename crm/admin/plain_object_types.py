"""The admins of kinds of records that need nothing beyond what all have: what is searched, what is filtered by."""

from __future__ import annotations

from django.contrib import admin

from crm.admin.records import RecordAdmin
from crm.models import (
    Call,
    Email,
    FeedbackSubmission,
    Invoice,
    Lead,
    LineItem,
    Meeting,
    Payment,
    Project,
    Quote,
    RecurringSubscription,
)
from records.models import Record

#: Model → columns searched, selects filtered by.
PLAIN: dict[type[Record], tuple[tuple[str, ...], tuple[str, ...]]] = {
    Meeting: (("title", "location"), ("outcome", "kind", "booked_through")),
    Call: (("title", "number"), ("direction", "status", "outcome")),
    Email: (("subject", "sender", "recipients"), ("direction", "status")),
    LineItem: (("name", "sku"), ("billing_frequency",)),
    Quote: (("name",), ("status",)),
    RecurringSubscription: (("name",), ("status", "billing_frequency")),
    Payment: (("reference",), ("status", "method", "source")),
    Invoice: (("number",), ("status",)),
    FeedbackSubmission: (("survey", "text"), ("kind", "sentiment", "channel")),
    Lead: (("name", "source"), ("stage", "kind", "rating")),
    Project: (("name", "description"), ("status", "priority")),
}

for model, (searched, filtered) in PLAIN.items():
    facts = {"search_fields": searched, "select_filters": filtered}
    admin.site.register(model, type(f"{model.__name__}Admin", (RecordAdmin,), facts))
