"""Whose turn it is when records are handed out."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Rotation(models.Model):
    """The user who got the last record of one rotating step: the next in line follows, whoever asks."""

    workflow_id = models.BigIntegerField()
    step = models.CharField(max_length=64)
    last = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("rotation")
        verbose_name_plural = _("rotations")
        constraints = (models.UniqueConstraint(fields=("workflow_id", "step"), name="one_rotation_per_step"),)

    def __str__(self) -> str:
        return f"{self.workflow_id} · {self.step}"
