"""What is sold: line items, quotes, recurring subscriptions, payments and invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Round
from django.utils.translation import gettext_lazy as _

from records.models import Record


class BillingFrequency(models.TextChoices):
    ONCE = "once", _("Once")
    WEEKLY = "weekly", _("Weekly")
    MONTHLY = "monthly", _("Monthly")
    QUARTERLY = "quarterly", _("Quarterly")
    HALF_YEARLY = "half_yearly", _("Every six months")
    YEARLY = "yearly", _("Yearly")


def money(label: Any, **options: Any) -> models.DecimalField:
    facts: dict[str, Any] = {"max_digits": 18, "decimal_places": 2, "null": True, "blank": True}
    return models.DecimalField(label, **(facts | options))


class Priced(Record):
    """A record with an amount of money; the newest is listed first, by what it is called."""

    #: The field a record is called by.
    called = "name"

    amount = money(_("amount"))
    currency = models.CharField(_("currency"), max_length=3, blank=True, db_default="")

    class Meta(Record.Meta):
        abstract = True
        ordering = ("-id",)

    def __str__(self) -> str:
        return str(getattr(self, self.called))


class LineItem(Priced):
    """One position of a deal, a quote, a subscription, a payment or an invoice.

    The database keeps the amount: quantity × unit price, less the discount.
    """

    name = models.CharField(_("name"), max_length=250)
    sku = models.CharField(_("SKU"), max_length=100, blank=True, db_default="")
    quantity = models.DecimalField(
        _("quantity"), max_digits=14, decimal_places=4, default=Decimal(1), db_default=Decimal(1)
    )
    unit_price = money(_("unit price"), decimal_places=4)
    discount = models.DecimalField(_("discount, %"), max_digits=5, decimal_places=2, null=True, blank=True)
    amount = models.GeneratedField(
        expression=Round(
            F("quantity") * F("unit_price") * (Value(Decimal(100)) - Coalesce(F("discount"), Value(Decimal(0))))
            / Value(Decimal(100)),
            2,
        ),
        output_field=models.DecimalField(max_digits=24, decimal_places=2),
        db_persist=True,
        verbose_name=_("amount"),
    )  # fmt: skip
    billing_frequency = models.CharField(
        _("billing frequency"), max_length=20, choices=BillingFrequency, blank=True, db_default=""
    )
    term = models.PositiveIntegerField(_("term in months"), null=True, blank=True)

    class Meta(Priced.Meta):
        verbose_name = _("line item")
        verbose_name_plural = _("line items")


class Quote(Priced):
    """An offer that a buyer can accept."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PENDING_APPROVAL = "pending_approval", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Approval refused")
        PUBLISHED = "published", _("Published")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        EXPIRED = "expired", _("Expired")

    name = models.CharField(_("name"), max_length=250)
    status = models.CharField(
        _("status"), max_length=20, choices=Status, default=Status.DRAFT, db_default=Status.DRAFT
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    expires_on = models.DateField(_("expires"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    comments = models.TextField(_("comments"), blank=True, db_default="")

    class Meta(Priced.Meta):
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")


class RecurringSubscription(Priced):
    """What a buyer pays for again and again; not what a contact has subscribed to (crm.models.subscription)."""

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        ACTIVE = "active", _("Active")
        PAST_DUE = "past_due", _("Past due")
        PAUSED = "paused", _("Paused")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    name = models.CharField(_("name"), max_length=250)
    status = models.CharField(
        _("status"), max_length=20, choices=Status, default=Status.ACTIVE, db_default=Status.ACTIVE
    )
    billing_frequency = models.CharField(
        _("billing frequency"), max_length=20, choices=BillingFrequency, blank=True, db_default=""
    )
    amount = money(_("recurring amount"))
    starts_on = models.DateField(_("starts"), null=True, blank=True)
    ends_on = models.DateField(_("ends"), null=True, blank=True)
    next_payment_on = models.DateField(_("next payment"), null=True, blank=True)
    payments_made = models.PositiveIntegerField(_("payments made"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)

    class Meta(Priced.Meta):
        verbose_name = _("recurring subscription")
        verbose_name_plural = _("recurring subscriptions")


class Payment(Priced):
    """One payment by a buyer."""

    called = "reference"

    class Status(models.TextChoices):
        PROCESSING = "processing", _("Processing")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        PARTLY_REFUNDED = "partly_refunded", _("Partly refunded")
        REFUNDED = "refunded", _("Refunded")
        DISPUTED = "disputed", _("Disputed")

    class Method(models.TextChoices):
        CARD = "card", _("Card")
        BANK_TRANSFER = "bank_transfer", _("Bank transfer")
        DIRECT_DEBIT = "direct_debit", _("Direct debit")
        CASH = "cash", _("Cash")
        OTHER = "other", _("Other")

    class Source(models.TextChoices):
        PAYMENT_LINK = "payment_link", _("Payment link")
        QUOTE = "quote", _("Quote")
        INVOICE = "invoice", _("Invoice")
        SUBSCRIPTION = "subscription", _("Recurring subscription")
        OTHER = "other", _("Other")

    reference = models.CharField(_("reference"), max_length=250)
    status = models.CharField(
        _("status"), max_length=20, choices=Status, default=Status.PROCESSING, db_default=Status.PROCESSING
    )
    refunded = money(_("refunded"))
    method = models.CharField(_("method"), max_length=20, choices=Method, blank=True, db_default="")
    source = models.CharField(_("source"), max_length=20, choices=Source, blank=True, db_default="")
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)

    class Meta(Priced.Meta):
        verbose_name = _("payment")
        verbose_name_plural = _("payments")


class Invoice(Priced):
    """A bill."""

    called = "number"

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        PARTLY_PAID = "partly_paid", _("Partly paid")
        PAID = "paid", _("Paid")
        VOIDED = "voided", _("Voided")

    number = models.CharField(_("number"), max_length=100)
    status = models.CharField(
        _("status"), max_length=20, choices=Status, default=Status.DRAFT, db_default=Status.DRAFT
    )
    amount = money(_("amount billed"))
    balance = money(_("balance due"))
    issued_on = models.DateField(_("issued"), null=True, blank=True)
    due_on = models.DateField(_("due"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)

    class Meta(Priced.Meta):
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
