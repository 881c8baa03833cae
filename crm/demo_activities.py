"""Demo data: what was done about the deals and tickets of crm.demo, and what was sold."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from crm.models import (
    Call,
    Deal,
    FeedbackSubmission,
    LineItem,
    Meeting,
    Payment,
    Quote,
    RecurringSubscription,
    Ticket,
    TrackedTerm,
)
from records.associations import associate, ids_of
from records.object_types import object_type_of

TERMS = {"price": "price\nhow much\ndiscount", "timing": "next quarter\ndeadline"}
TRANSCRIPTS = (
    "Thanks for calling back. How much would it be for twelve people? There is a discount from ten on.",
    "We would like to start next quarter, if the deadline can be kept.",
    "The import works now, thank you.",
)
PRODUCTS = (("Seat", "SEAT-1", 29), ("Onboarding", "ONB-1", 900), ("Premium support", "SUP-2", 240))
ANSWERS = ((9, "positive", "Quick and friendly."), (7, "neutral", ""), (3, "negative", "It took three days."))


def make_activities(dice: random.Random, deals: Sequence[Deal], tickets: Sequence[Ticket], now: dt.datetime) -> int:
    """Meetings and calls about some deals, feedback on some tickets; how many records."""
    for slug, phrases in TERMS.items():
        TrackedTerm.objects.create(slug=slug, name=slug.capitalize(), phrases=phrases)
    some, asked = deals[::5], tickets[::4]
    meetings = Meeting.objects.bulk_create(
        meeting(dice, deal, now + dt.timedelta(days=i - 20), now) for i, deal in enumerate(some)
    )
    calls = Call.objects.bulk_create(
        Call(
            title=f"About {deal.name}", owner_id=deal.owner_id, direction=dice.choice(("inbound", "outbound")),
            outcome="connected", duration=dice.randrange(60, 1_500), happened_at=now - dt.timedelta(days=i + 1),
            transcript=TRANSCRIPTS[i % len(TRANSCRIPTS)],
        )
        for i, deal in enumerate(some)
    )  # fmt: skip
    answers = FeedbackSubmission.objects.bulk_create(
        FeedbackSubmission(
            survey="After a ticket", kind="recommendation", score=score, sentiment=sentiment, text=text,
            channel="email", submitted_at=now - dt.timedelta(days=i),
        )
        for i, (score, sentiment, text) in enumerate(ANSWERS[i % len(ANSWERS)] for i in range(len(asked)))
    )  # fmt: skip
    for made, others in ((meetings, some), (calls, some), (answers, asked)):
        link(made, others)
    return len(meetings) + len(calls) + len(answers)


def meeting(dice: random.Random, deal: Deal, starts_at: dt.datetime, now: dt.datetime) -> Meeting:
    over = starts_at < now
    return Meeting(
        title=f"Demonstration for {deal.name.partition(':')[0]}", owner_id=deal.owner_id, kind="demonstration",
        starts_at=starts_at, ends_at=starts_at + dt.timedelta(hours=1), booked_through="booking_page",
        outcome=dice.choice(("completed", "completed", "no_show")) if over else "scheduled",
    )  # fmt: skip


def make_commerce(dice: random.Random, deals: Sequence[Deal], now: dt.datetime) -> int:
    """A line item and a quote for some deals; a subscription and a payment for those won; how many records."""
    some = [deal for deal in deals if deal.stage in ("engaging", "won")][:40]
    won = [deal for deal in some if deal.stage == "won"]
    chosen = {deal.pk: PRODUCTS[i % len(PRODUCTS)] for i, deal in enumerate(some)}
    items = LineItem.objects.bulk_create(
        LineItem(
            name=chosen[deal.pk][0], sku=chosen[deal.pk][1], unit_price=chosen[deal.pk][2], currency="EUR",
            quantity=dice.randrange(1, 20), discount=dice.choice((None, None, Decimal(5), Decimal(15))),
            billing_frequency="monthly", term=12,
        )
        for deal in some
    )  # fmt: skip
    quotes = Quote.objects.bulk_create(
        Quote(
            name=f"Quote for {deal.name}", status="accepted" if deal.stage == "won" else "published",
            amount=deal.amount, currency="EUR", expires_on=deal.close_date, owner_id=deal.owner_id,
        )
        for deal in some
    )  # fmt: skip
    subscriptions = RecurringSubscription.objects.bulk_create(
        RecurringSubscription(
            name=f"{chosen[deal.pk][0]}, monthly", amount=chosen[deal.pk][2], currency="EUR", payments_made=1,
            billing_frequency="monthly", starts_on=now.date(), next_payment_on=now.date() + dt.timedelta(days=30),
        )
        for deal in won
    )  # fmt: skip
    payments = Payment.objects.bulk_create(
        Payment(
            reference=f"P-{1_000 + i}", status=dice.choice(("succeeded", "succeeded", "failed")), currency="EUR",
            amount=chosen[deal.pk][2], method="card", source="quote", paid_at=now - dt.timedelta(days=i),
        )
        for i, deal in enumerate(won)
    )  # fmt: skip
    for made, others in ((items, some), (quotes, some), (subscriptions, won), (payments, won)):
        link(made, others)
    return len(items) + len(quotes) + len(subscriptions) + len(payments)


def link(made: Sequence[Any], others: Sequence[Any]) -> None:
    """Associate each with the deal or ticket it is about, and with that one's contacts and company."""
    if not made:
        return
    kind, other = object_type_of(made[0]), object_type_of(others[0])
    pairs = [(record.pk, about.pk) for record, about in zip(made, others, strict=True)]
    associate(kind, other, pairs)
    for slug in ("contact", "company"):
        if slug in kind.associates_with:
            found = ids_of(other, [about.pk for about in others], slug)
            associate(kind, slug, [(record, end) for record, about in pairs for end in found.get(about, ())])
