"""Activities: tasks and notes. They are linked to records by associations."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class Task(Record):
    """Something a person has to do; its owner is the assignee."""

    class Kind(models.TextChoices):
        TODO = "todo", _("To-do")
        CALL = "call", _("Call")
        EMAIL = "email", _("Email")

    class Priority(models.TextChoices):
        NONE = "none", _("None")
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        DONE = "done", _("Done")

    title = models.CharField(_("title"), max_length=250)
    body = models.TextField(_("notes"), blank=True, db_default="")
    kind = models.CharField(_("type"), max_length=10, choices=Kind, default=Kind.TODO, db_default=Kind.TODO)
    priority = models.CharField(
        _("priority"), max_length=10, choices=Priority, default=Priority.NONE, db_default=Priority.NONE
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN, db_default=Status.OPEN)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.title


class Note(Record):
    """A text about a record; sanitised HTML (records keep what nh3 lets through)."""

    body = models.TextField(_("body"))
    pinned = models.BooleanField(_("pinned"), default=False, db_default=False)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.body[:80]
