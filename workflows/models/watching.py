"""What the engine leaves for those who watch it: signs of life, numbers by the minute, and what was found stuck."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import Workflow


class Beat(models.Model):
    """The last sign of life of one clock process."""

    #: "host:process id".
    name = models.CharField(max_length=120, primary_key=True)
    started_at = models.DateTimeField()
    at = models.DateTimeField()


class Tally(models.Model):
    """How many steps of a workflow ended with one outcome in one minute. Close, not exact: kept apart from the work.

    Workers add to it after they have committed, so what one was counting when it was killed is missing here (and only
    here: the log of steps has everything).
    """

    id = models.BigAutoField(primary_key=True)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="+")
    minute = models.DateTimeField()
    outcome = models.CharField(max_length=10)
    steps = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("minute", "workflow", "outcome"), name="one_tally_per_minute"),)


class Timing(models.Model):
    """One bucket of a histogram: how many claims, batches or rounds of dispatching took how long. Not exact."""

    id = models.BigAutoField(primary_key=True)
    #: "claim", "batch" or "dispatch".
    kind = models.CharField(max_length=10)
    #: The place of the bucket's upper bound in workflows.health.timing.BOUNDS.
    bucket = models.PositiveSmallIntegerField()
    count = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "bucket"), name="one_timing_per_bucket"),)


class Alert(models.Model):
    """Something that was found stuck on a day: one per rule, workflow and day."""

    id = models.BigAutoField(primary_key=True)
    #: A code of workflows.health.stuck.
    rule = models.CharField(_("rule"), max_length=40)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, null=True, related_name="+")
    day = models.DateField()
    first_at = models.DateTimeField(_("first seen"))
    last_at = models.DateTimeField(_("last seen"))
    count = models.PositiveIntegerField(_("how many"), default=0)
    #: What the sentence needs besides: {"first": [ids]}.
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ("-last_at",)
        constraints = (
            models.UniqueConstraint(fields=("rule", "workflow", "day"), nulls_distinct=False, name="one_alert_a_day"),
        )
        indexes = (models.Index(fields=("-last_at",), name="alert_last"),)
