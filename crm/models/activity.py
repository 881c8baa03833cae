"""Activities: tasks and notes. They are linked to records by associations."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from records.models import Record

#: Tasks whose owner is not told of the reminder as it is now.
TO_REMIND = Q(remind_at__isnull=False) & (Q(reminded_at=None) | Q(reminded_at__lt=F("remind_at")))


class TaskQueue(models.Model):
    """Tasks that are worked off together; tasks hold its internal name."""

    slug = models.SlugField(
        _("internal name"), max_length=60, unique=True, help_text=_("Stays as it is: tasks and workflows use it.")
    )
    name = models.CharField(_("name"), max_length=120, unique=True)

    class Meta:
        verbose_name = _("task queue")
        verbose_name_plural = _("task queues")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Task(Record):
    """Something a person has to do; its owner is the assignee.

    Who owns a task that is still open is told at `remind_at` (crm.tasks.reminders); `reminded_at` says when that was.
    """

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
    queue = models.CharField(_("queue"), max_length=60, blank=True, db_default="")
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    remind_at = models.DateTimeField(_("reminder"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("-id",)
        indexes = (
            *Record.Meta.indexes,
            models.Index(fields=("remind_at",), condition=TO_REMIND, name="task_to_remind"),
        )

    def __str__(self) -> str:
        return self.title


class Note(Record):
    """A text about a record; sanitised HTML (records keep what nh3 lets through)."""

    body = models.TextField(_("body"))
    pinned = models.BooleanField(_("pinned"), default=False, db_default=False)

    class Meta(Record.Meta):
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.body[:80]
