"""Schedules of published workflows, and each time they fired."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import Workflow


class Schedule(models.Model):
    """When a workflow enrolls: derived when it is published, one for as long as the workflow exists.

    `next_at` is when it fires next, None for never (again). Instants up to `since` belong to an earlier version.
    """

    workflow = models.OneToOneField(Workflow, on_delete=models.CASCADE, related_name="schedule")
    rule = models.JSONField()
    zone = models.CharField(max_length=64)
    since = models.DateTimeField()
    next_at = models.DateTimeField(_("next time"), null=True)
    #: How often in a row firing it has raised an error, and when it is tried again.
    tries = models.PositiveIntegerField(default=0, db_default=0)
    again_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        indexes = (models.Index(fields=("next_at",), condition=Q(next_at__isnull=False), name="schedule_next"),)

    def __str__(self) -> str:
        return str(self.workflow)


class ScheduleRun(models.Model):
    """One instant at which a schedule fired, or, while nobody was there to fire it, `times` of them up to `until`.

    Its row is the proof that the instant was seen to: another clock cannot write it a second time.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("Enrolling")
        DONE = "done", _("Done")
        MISSED = "missed", _("Missed")
        STOPPED = "stopped", _("Stopped: the workflow was turned off or got another trigger")

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs", db_index=False)
    at = models.DateTimeField(_("time"))
    until = models.DateTimeField(_("last time missed"), null=True)
    times = models.PositiveIntegerField(_("times"), default=1)
    state = models.CharField(_("state"), max_length=10, choices=State)
    #: The records that matched at the time, who of them were enrolled, skipped as they were still inside, and refused.
    matched = models.PositiveIntegerField(_("matched"), default=0)
    enrolled = models.PositiveIntegerField(_("enrolled"), default=0)
    skipped = models.PositiveIntegerField(_("still inside"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    fired_at = models.DateTimeField(_("fired"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    #: How often in a row going on with it has raised an error, and when that is tried again.
    tries = models.PositiveIntegerField(default=0, db_default=0)
    again_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("scheduled run")
        verbose_name_plural = _("scheduled runs")
        ordering = ("-at",)
        constraints = (models.UniqueConstraint(fields=("schedule", "at"), name="one_run_per_instant"),)
        indexes = (models.Index(fields=("schedule", "at"), condition=Q(state="running"), name="schedule_running"),)

    def __str__(self) -> str:
        return f"{self.schedule} · {self.at:%Y-%m-%d %H:%M}"


class ScheduledRecord(models.Model):
    """A record that matched when a run began and was not enrolled by it yet: gone when it was."""

    pk = models.CompositePrimaryKey("run_id", "record_id")
    run = models.ForeignKey(ScheduleRun, on_delete=models.CASCADE, related_name="records", db_index=False)
    record_id = models.BigIntegerField()
    #: Whether enrolling it has raised an error; the others come first.
    failed = models.BooleanField(default=False, db_default=False)
