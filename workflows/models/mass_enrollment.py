"""Many records to be enrolled by hand in the background."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import Workflow


class MassEnrollment(models.Model):
    """Records somebody enrolls by hand, some hundreds at a time.

    Either `record_ids` names them, or `criteria` do, as they match while it goes on. `done` says how many of the ids,
    or up to which id of the matching records, has been asked; it is written in the transaction that enrolls them.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("In progress")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="mass_enrollments")
    record_ids = ArrayField(models.BigIntegerField(), default=list)
    criteria = models.JSONField(null=True)
    #: How many records there were when it began.
    total = models.PositiveIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    enrolled = models.PositiveIntegerField(default=0)
    #: How many were refused, by the code of the refusal.
    refused = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    message = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("mass enrollment")
        verbose_name_plural = _("mass enrollments")
        ordering = ("-id",)
        indexes = (models.Index(fields=("id",), condition=models.Q(status="waiting"), name="mass_enrollment_to_do"),)

    def __str__(self) -> str:
        return f"{self.workflow} · {self.total}"

    @property
    def percent(self) -> int:
        return 100 if not self.total or self.status == self.Status.DONE else min(100 * self.asked // self.total, 99)
