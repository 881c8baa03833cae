"""What has become of records that were merged into others."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class MergedRecord(models.Model):
    """A record that was merged into another one of its type; it is soft-deleted and never comes back.

    Where the other one was merged later itself, `winner_id` is where everything has gone in the end: one look is
    enough. Inserting a row is a change of the winner, of the kind “merged”, in the journal.
    """

    object_type = models.CharField(max_length=50)
    record_id = models.BigIntegerField()
    winner_id = models.BigIntegerField()
    merged_at = models.DateTimeField(_("merged"))
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("merged record")
        verbose_name_plural = _("merged records")
        constraints = (models.UniqueConstraint(fields=("object_type", "record_id"), name="merged_once"),)
        indexes = (models.Index(fields=("object_type", "winner_id"), name="merged_into"),)

    def __str__(self) -> str:
        return f"{self.object_type} {self.record_id} → {self.winner_id}"
