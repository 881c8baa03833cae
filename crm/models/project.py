"""Projects: work for a customer with a beginning and an end."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class Project(Record):
    """Work that is planned, done and finished."""

    class Status(models.TextChoices):
        PLANNED = "planned", _("Planned")
        ACTIVE = "active", _("Active")
        BLOCKED = "blocked", _("Blocked")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    class Priority(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")

    name = models.CharField(_("name"), max_length=250)
    status = models.CharField(
        _("status"), max_length=20, choices=Status, default=Status.PLANNED, db_default=Status.PLANNED
    )
    priority = models.CharField(_("priority"), max_length=10, choices=Priority, blank=True, db_default="")
    description = models.TextField(_("description"), blank=True, db_default="")
    starts_on = models.DateField(_("start"), null=True, blank=True)
    due_on = models.DateField(_("due"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name
