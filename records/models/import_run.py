"""Imports: the file, what is to be made of it, how far it has come, and what went wrong."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """One import of a file into an object type.

    `plan` is the mapping (records.importing.plan); `done` counts rows finished and is written in the transaction
    that saves them, so an interrupted import goes on at the right row.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Being prepared")
        PENDING = "pending", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Stopped")

    object_type = models.CharField(_("object type"), max_length=50)
    file_name = models.CharField(_("file"), max_length=250)
    content = models.BinaryField()
    plan = models.JSONField(default=dict)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    total = models.PositiveIntegerField(_("rows"), default=0)
    done = models.PositiveIntegerField(_("rows done"), default=0)
    #: created, updated, unchanged, failed, unassociated, ownerless; how many rows each.
    counts = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("id",), condition=models.Q(status__in=["pending", "running"]), name="import_to_do"),
        )

    def __str__(self) -> str:
        return self.file_name


class ImportedRecord(models.Model):
    """A record an import has added or changed (FLT-30)."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, db_index=False, related_name="records")
    record_id = models.BigIntegerField()
    #: Whether it was added; else it was there and was changed.
    added = models.BooleanField()

    class Meta:
        verbose_name = _("imported record")
        verbose_name_plural = _("imported records")
        constraints = (models.UniqueConstraint(fields=("run", "record_id"), name="imported_once"),)
        indexes = (models.Index(fields=("record_id",), name="imports_of_a_record"),)

    def __str__(self) -> str:
        return f"{self.run_id}: {self.record_id}"


class ImportFault(models.Model):
    """What was wrong with one row: it was not imported (error), or not all of it (warning)."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="faults")
    line = models.PositiveIntegerField()
    severity = models.CharField(max_length=10, default="error")
    message = models.TextField()
    cells = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("import fault")
        verbose_name_plural = _("import faults")
        ordering = ("line", "id")

    def __str__(self) -> str:
        return self.message
