"""Many records to be enrolled, or moved to another step, by hand in the background."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import Workflow


class MassWork(models.Model):
    """What somebody does by hand to many, some hundreds at a time; where it stands is written as each part is done."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("In progress")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")

    #: How many there were when it began.
    total = models.PositiveIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    #: How many were refused, by the code of the refusal.
    refused = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    message = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def percent(self) -> int:
        return 100 if not self.total or self.status == self.Status.DONE else min(100 * self.asked // self.total, 99)


class MassEnrollment(MassWork):
    """Records somebody enrolls by hand, some hundreds at a time.

    Either `record_ids` names them, or `criteria` do, as they match while it goes on. `done` says how many of the ids,
    or up to which id of the matching records, has been asked; it is written in the transaction that enrolls them.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="mass_enrollments")
    record_ids = ArrayField(models.BigIntegerField(), default=list)
    criteria = models.JSONField(null=True)
    enrolled = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("mass enrollment")
        verbose_name_plural = _("mass enrollments")
        ordering = ("-id",)
        indexes = (models.Index(fields=("id",), condition=models.Q(status="waiting"), name="mass_enrollment_to_do"),)

    def __str__(self) -> str:
        return f"{self.workflow} · {self.total}"


class MassMove(MassWork):
    """Enrollments somebody moves to the step `target` by hand, some hundreds at a time.

    `enrollment_ids` are those that were meant when it began, and `done` says how many of them have been asked. Of them
    those are moved that still stand on one of the `places`: [revision, step].
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="mass_moves")
    enrollment_ids = ArrayField(models.BigIntegerField(), default=list)
    target = models.CharField(max_length=64)
    places = models.JSONField(default=list)
    moved = models.PositiveIntegerField(default=0)
    #: How many deliveries of their steps are not sent by that.
    cancelled = models.PositiveIntegerField(default=0)
    #: How many came from each place: [revision, step, count].
    came_from = models.JSONField(default=list)

    class Meta:
        verbose_name = _("mass move")
        verbose_name_plural = _("mass moves")
        ordering = ("-id",)
        indexes = (models.Index(fields=("id",), condition=models.Q(status="waiting"), name="mass_move_to_do"),)

    def __str__(self) -> str:
        return f"{self.workflow} · {self.total}"
