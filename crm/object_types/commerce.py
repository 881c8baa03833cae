"""Line items, quotes, recurring subscriptions, payments, invoices (FLT-13 to FLT-15)."""

from __future__ import annotations

from crm.models import Invoice, LineItem, Payment, Quote, RecurringSubscription
from crm.object_types.columns import MONEY, columns
from crm.object_types.families import COMMERCE, LINE_ITEMS
from crm.object_types.links import links
from records.object_types import register

#: What the models share (crm.models.commerce.Priced), and what a line item's is worked out from.
PRICE = ("amount", "currency")
POSITION = ("name", "sku", "quantity", "unit_price", "discount")


def register_commerce() -> None:
    register(
        LineItem, slug="line_item", plural="line_items", icon="list", associates_with=links("line_item"),
        category=LINE_ITEMS.slug, enrolls=False, declared=columns(LineItem, (*POSITION, *PRICE), amount=MONEY),
    )  # fmt: skip
    register(
        Quote, plural="quotes", icon="file-text", associates_with=links("quote"), category=COMMERCE.slug,
        declared=columns(Quote, ("name", "status", *PRICE), amount=MONEY),
    )  # fmt: skip
    register(
        RecurringSubscription, slug="recurring_subscription", plural="recurring_subscriptions", icon="repeat",
        associates_with=links("recurring_subscription"), category=COMMERCE.slug,
        declared=columns(
            RecurringSubscription, ("name", "status", "billing_frequency", *PRICE), amount=MONEY
        ),
    )  # fmt: skip
    register(
        Payment, plural="payments", icon="currency", name_property="reference", associates_with=links("payment"),
        category=COMMERCE.slug, declared=columns(
            Payment, ("reference", "status", "amount", "refunded", "currency"), amount=MONEY, refunded=MONEY
        ),
    )  # fmt: skip
    register(
        Invoice, plural="invoices", icon="clipboard", name_property="number", associates_with=links("invoice"),
        category=COMMERCE.slug, declared=columns(
            Invoice, ("number", "status", "amount", "balance", "currency"), amount=MONEY, balance=MONEY
        ),
    )  # fmt: skip
