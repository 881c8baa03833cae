"""Deals and tickets: the records that go through a pipeline."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class Deal(Record):
    """A possible sale."""

    name = models.CharField(_("name"), max_length=250)
    pipeline = models.CharField(_("pipeline"), max_length=60, blank=True, db_default="")
    stage = models.CharField(_("stage"), max_length=60, blank=True, db_default="", db_index=True)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, db_default="")
    close_date = models.DateField(_("close date"), null=True, blank=True)
    probability = models.DecimalField(_("probability, %"), max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("deal")
        verbose_name_plural = _("deals")
        ordering = ("-id",)
        indexes = (*Record.Meta.indexes, models.Index(fields=("name",), name="deal_name"))

    def __str__(self) -> str:
        return self.name


class Ticket(Record):
    """A request for help."""

    class Priority(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")
        URGENT = "urgent", _("Urgent")

    class Category(models.TextChoices):
        QUESTION = "question", _("Question")
        PROBLEM = "problem", _("Problem")
        BILLING = "billing", _("Billing")
        REQUEST = "request", _("Feature request")

    class Source(models.TextChoices):
        EMAIL = "email", _("Email")
        PHONE = "phone", _("Phone")
        FORM = "form", _("Form")
        CHAT = "chat", _("Chat")

    subject = models.CharField(_("subject"), max_length=250)
    description = models.TextField(_("description"), blank=True, db_default="")
    pipeline = models.CharField(_("pipeline"), max_length=60, blank=True, db_default="")
    status = models.CharField(_("status"), max_length=60, blank=True, db_default="", db_index=True)
    priority = models.CharField(_("priority"), max_length=20, choices=Priority, blank=True, db_default="")
    category = models.CharField(_("category"), max_length=20, choices=Category, blank=True, db_default="")
    source = models.CharField(_("source"), max_length=20, choices=Source, blank=True, db_default="")

    class Meta(Record.Meta):
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.subject
