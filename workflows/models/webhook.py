"""Inbound webhooks: addresses other systems send to, what of it is used, and what was received (spec section 8)."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.event import SLUG_LENGTH

PATH_LENGTH = 500
#: The types of values a payload's properties can have, as property types.
TYPES = ("text", "number", "boolean", "date", "datetime")


class Webhook(models.Model):
    """One address, and the event its requests are for records of one type.

    `slug` is the event's name in triggers and filters. `token` is the end of the address: found by its digest, kept
    sealed so that it can be copied again; `secret` signs requests and is never shown again. `sample` is the test
    payload; while `listening` the next request becomes it. A request is about the record whose unique property
    `match_property` equals the value at `match_path`.
    """

    name = models.CharField(_("name"), max_length=120)
    slug = models.CharField(_("internal name"), max_length=SLUG_LENGTH, unique=True, editable=False)
    object_type = models.CharField(_("records"), max_length=50)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    token_sealed = models.TextField(editable=False)
    secret_sealed = models.TextField(blank=True, default="", editable=False)
    listening = models.BooleanField(default=True, editable=False)
    sample = models.JSONField(null=True, editable=False)
    sampled_at = models.DateTimeField(null=True, editable=False)
    match_path = models.CharField(max_length=PATH_LENGTH, blank=True, editable=False)
    match_property = models.CharField(max_length=63, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def signed(self) -> bool:
        """Whether requests have to carry a signature."""
        return bool(self.secret_sealed)


class WebhookProperty(models.Model):
    """A value of the payload by its path, as a typed property of the event; a removed one is only remembered."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="properties")
    path = models.CharField(max_length=PATH_LENGTH)
    slug = models.CharField(max_length=63)
    label = models.CharField(max_length=120)
    type = models.CharField(max_length=30, default="text")
    removed = models.BooleanField(default=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("webhook", "path"), name="one_webhook_property_per_path"),
            models.UniqueConstraint(fields=("webhook", "slug"), name="one_webhook_property_per_slug"),
        )

    def __str__(self) -> str:
        return self.label


class WebhookRequest(models.Model):
    """One request that reached a webhook's address; those that wait have not been compared with the records yet.

    `key` is the sender's own id of the message: another one with the same is answered and does nothing. `detail`
    holds the facts the outcome's sentence is told from.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        MATCHED = "matched", _("Matched a record")
        UNMATCHED = "unmatched", _("No record matched")
        UNUSABLE = "unusable", _("Nothing to match by")
        UNFINISHED = "unfinished", _("Not set up")
        REFUSED = "refused", _("Refused")
        FAILED = "failed", _("Failed")

    id = models.BigAutoField(primary_key=True)
    public = models.UUIDField(default=uuid.uuid4, unique=True)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="requests", db_index=False)
    key = models.CharField(max_length=255, null=True)
    payload = models.JSONField(null=True)
    received_at = models.DateTimeField(_("received"), db_index=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, default=Outcome.WAITING)
    detail = models.JSONField(default=dict)
    record_id = models.BigIntegerField(null=True)
    event_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("webhook request")
        verbose_name_plural = _("webhook requests")
        constraints = (
            models.UniqueConstraint(
                fields=("webhook", "key"), condition=Q(key__isnull=False), name="one_webhook_request_per_key"
            ),
        )
        indexes = (
            models.Index(fields=("webhook", "-id"), name="webhook_request_log"),
            models.Index(fields=("id",), condition=Q(outcome="waiting"), name="webhook_request_waiting"),
        )
