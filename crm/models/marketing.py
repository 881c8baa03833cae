"""Contacts that are to become non-marketing on a day."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.people import Contact


class PendingNonMarketing(models.Model):
    """A marketing contact that becomes non-marketing on a day, unless it is made a marketing contact again before."""

    contact = models.OneToOneField(
        Contact, on_delete=models.CASCADE, primary_key=True, related_name="pending_non_marketing"
    )
    on = models.DateField(_("on"), db_index=True)
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    # Of a workflow that may be deleted meanwhile.
    workflow_id = models.BigIntegerField(_("workflow"), null=True)

    class Meta:
        verbose_name = _("contact to become non-marketing")
        verbose_name_plural = _("contacts to become non-marketing")

    def __str__(self) -> str:
        return f"{self.contact_id} {self.on}"
