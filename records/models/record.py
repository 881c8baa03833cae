"""What the records of the CRM have in common."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Record(models.Model):
    """One contact, company, deal …: an owner, times, custom properties, and a soft delete (CRM-19)."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False, db_index=True)
    updated_at = models.DateTimeField(_("last changed"), db_default=Now(), editable=False)
    custom = models.JSONField(_("custom properties"), default=dict, db_default={}, blank=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True
        #: The trash, which is small beside what lives.
        indexes: ClassVar[tuple[models.Index, ...]] = (
            models.Index(fields=("deleted_at",), condition=models.Q(deleted_at__isnull=False), name="%(class)s_trash"),
        )
