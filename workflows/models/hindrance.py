"""What dispatching could not do, because an error keeps it from it each time, and what waits for that."""

from __future__ import annotations

from django.db import models

from records.models import Segment
from workflows.models.workflow import Workflow


class Hindrance(models.Model):
    """A part of dispatching (workflows.intake.isolating.Part) that raises an error for what is set aside.

    It is tried again at `due_at`, and forgotten once nothing is set aside any more.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=12)
    object_type = models.CharField(max_length=50, default="")
    #: Which rule of derivation.
    name = models.CharField(max_length=200, default="")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, null=True, related_name="+")
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, null=True, related_name="+")
    #: The type and the first words of the last error. May have values of records in it.
    error = models.CharField(max_length=500)
    #: Whether that was a statement that took too long: then nothing new is tried meanwhile.
    slow = models.BooleanField(default=False, db_default=False)
    tries = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()
    due_at = models.DateTimeField()
    #: The record up to which what is set aside was tried last; the next ones come next time.
    place = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "object_type", "name", "segment", "workflow"),
                nulls_distinct=False,
                name="one_hindrance_per_part",
            ),
        )


class SetAside(models.Model):
    """One record, with one change or event of it, that a part of dispatching has not seen to."""

    id = models.BigAutoField(primary_key=True)
    hindrance = models.ForeignKey(Hindrance, on_delete=models.CASCADE, related_name="aside", db_index=False)
    #: None where time has changed a segment for records nobody could name.
    record_id = models.BigIntegerField(null=True)
    #: The pending change or event as JSON (workflows.intake.setting_aside); None where time alone was the cause.
    occurrence = models.JSONField(null=True)

    class Meta:
        indexes = (models.Index(fields=("hindrance", "record_id", "id"), name="set_aside_records"),)
