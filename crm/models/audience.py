"""Ads audiences: who is to see advertisements, as hashes that ad networks know people by."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.subscription import SubscriptionType


def make_key() -> str:
    """By which the other side knows an audience; it names nothing that was made elsewhere."""
    return f"aud_{secrets.token_hex(12)}"


class Audience(models.Model):
    """People ads are shown to; steps of workflows hold its slug and fill it.

    There are none but those made here: audiences that somebody has made in an ad network are not known by their
    `key`, so no step adds to them or removes from them (MKT-01, MKT-02).
    """

    name = models.CharField(_("name"), max_length=120, unique=True)
    slug = models.SlugField(
        _("internal name"), max_length=50, unique=True, help_text=_("Stays as it is: workflows use it.")
    )
    key = models.CharField(max_length=40, unique=True, default=make_key, editable=False)
    connection = models.ForeignKey(
        "workflows.Connection", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("connection"),
        help_text=_("Where changes are sent. Without one they wait here."),
    )  # fmt: skip
    path = models.CharField(
        _("path"), max_length=500, default="/audiences", help_text=_("Of the connection’s address, like /audiences.")
    )
    type = models.ForeignKey(
        SubscriptionType, models.PROTECT, to_field="slug", db_column="type", related_name="+", null=True, blank=True,
        verbose_name=_("only those subscribed to"),
        help_text=_("Who unsubscribes leaves the audience. Without one, marketing contacts are enough."),
    )  # fmt: skip
    #: The batch that is on its way, or was given up.
    batch = models.ForeignKey("workflows.Delivery", models.SET_NULL, null=True, related_name="+", editable=False)
    synced_at = models.DateTimeField(_("sent last"), null=True, editable=False)
    #: When members are looked over next for those who may not be in it any more, and up to which one that was done.
    check_at = models.DateTimeField(null=True, editable=False, db_index=True)
    checked_to = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("ads audience")
        verbose_name_plural = _("ads audiences")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class AudienceMember(models.Model):
    """A contact in an audience, with the hashes it was told by; "" where it has no such address.

    The contact is named by its id alone: of one that is removed for good the hashes are needed to take it out.
    """

    audience = models.ForeignKey(Audience, models.PROTECT, related_name="members", db_index=False)
    contact_id = models.BigIntegerField()
    email = models.CharField(max_length=64, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    phone_digits = models.CharField(max_length=64, blank=True)
    added_at = models.DateTimeField(_("added"))

    class Meta:
        verbose_name = _("member of an audience")
        verbose_name_plural = _("members of audiences")
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("audience", "contact_id"), name="one_member_per_contact"),)
        indexes = (
            models.Index(fields=("audience", "id"), name="members_of_audience"),
            models.Index(fields=("contact_id",), name="audiences_of_contact"),
        )

    def __str__(self) -> str:
        return f"#{self.contact_id}"


class AudienceChange(models.Model):
    """A person to be added or removed on the other side, in the order of the ids; gone once it was told."""

    class Kind(models.TextChoices):
        ADD = "add", _("Add")
        REMOVE = "remove", _("Remove")

    audience = models.ForeignKey(Audience, models.CASCADE, related_name="changes", db_index=False)
    kind = models.CharField(max_length=6, choices=Kind)
    email = models.CharField(max_length=64, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    phone_digits = models.CharField(max_length=64, blank=True)
    #: The delivery it is in; of one that was given up it goes into another.
    batch_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("change of an audience")
        verbose_name_plural = _("changes of audiences")
        default_permissions = ()
        indexes = (
            models.Index(fields=("audience", "id"), name="changes_of_audience"),
            models.Index(fields=("batch_id",), condition=models.Q(batch_id__isnull=False), name="changes_in_batch"),
        )

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"
