"""Scripts of custom code that wait to be run for enrollments."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from workflows.models.enrollment import Enrollment


class CodeRun(models.Model):
    """One enrollment's script: written in the step's transaction, run outside of any, gone when the step goes on.

    `due_at` is when it may be run, None once there is a `result`; while somebody runs it, when another one may.
    `tries` counts how often the script itself asked to be run again (DOP-08), `attempts` how often it was begun
    without a result.
    """

    enrollment = models.OneToOneField(Enrollment, on_delete=models.CASCADE, primary_key=True, related_name="code_run")
    workflow_id = models.BigIntegerField()
    #: The revision whose step has the script.
    revision_id = models.BigIntegerField()
    step = models.CharField(max_length=64)
    visit = models.PositiveIntegerField()
    #: What exports.main is called with.
    event = models.JSONField()
    due_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    since = models.DateTimeField()
    result = models.JSONField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("workflow_id", "due_at"), condition=Q(due_at__isnull=False), name="code_run_due"),
        )

    def __str__(self) -> str:
        return f"{self.enrollment_id} · {self.step}"
