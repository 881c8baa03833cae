"""Enrollments and the log of their steps."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from records.row_triggers import PlainRowTrigger
from workflows.models.workflow import Revision, Workflow

#: Taken from the step it waits on by anything but the step itself: then it waits for no event any more.
TAKEN_OUT = """
    OLD.waiting_in <> '' AND (
        NEW.status IN ('unenrolled', 'failed')
        OR NEW.step <> OLD.step AND (NEW.visit = OLD.visit OR NEW.revision_id <> OLD.revision_id)
    )
"""


class Enrollment(models.Model):
    """One record's journey through a workflow; the row is its program counter.

    `step` is the id of the step it stands on, "" once it has ended; one that was stopped by an error keeps it, to be
    tried again or passed over. `visit` counts steps taken and makes (enrollment, visit) the identity of an effect.
    `due_at` is when the step may run; None while active: something other than time wakes it. A worker owns the row
    while `claim` is its token and `claimed_until` (database clock) has not passed.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        COMPLETED = "completed", _("Completed")
        UNENROLLED = "unenrolled", _("Unenrolled")
        FAILED = "failed", _("Stopped by an error")
        REFUSED = "refused", _("Not enrolled")

    #: Ended before the end of the workflow; the rarer ways to end.
    ENDED_EARLY = (Status.UNENROLLED, Status.FAILED, Status.REFUSED)

    class Turn(models.IntegerChoices):
        NONE = 0
        PROMISED = 1
        TAKEN = 2

    id = models.BigAutoField(primary_key=True)
    # Every index is written three times per enrollment: these two would add nothing to those below.
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="enrollments", db_index=False)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="enrollments", db_index=False)
    record_id = models.BigIntegerField()
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.ACTIVE)
    step = models.CharField(_("step"), max_length=64, blank=True)
    #: Id of the step that has answered "wait": equals `step` while the record waits there, means nothing otherwise.
    waiting_in = models.CharField(max_length=64, blank=True, default="", db_default="")
    visit = models.PositiveIntegerField(default=0)
    #: How often the step it stands on has failed and is to be tried again.
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    #: When it came to the step it stands on: what delays count from (DLY-09).
    arrived_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(_("due"), null=True)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    #: How often a worker that had claimed it was not heard of again.
    attempts = models.PositiveSmallIntegerField(default=0)
    #: Where it stands with the workflow's limit: not asked yet, told when to ask again, or through.
    turn = models.PositiveSmallIntegerField(choices=Turn, default=Turn.NONE, db_default=0)
    #: {"kind": "filter" | "manual" | "existing", "change": id, "actor": id, "depth": n, "chain": [workflow ids]}, and
    #: "merged_from" with the id of the record it was about when that has been merged into this one.
    cause = models.JSONField(default=dict)
    #: Outputs of earlier steps by step id.
    outputs = models.JSONField(default=dict)
    enrolled_at = models.DateTimeField(_("enrolled"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    #: A code of workflows.sentences: "completed", "by_hand", "record_deleted", "no_longer_matching", …
    ended_reason = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        constraints = (
            models.UniqueConstraint(
                fields=("workflow", "record_id"), condition=Q(status="active"), name="one_active_enrollment"
            ),
        )
        indexes = (
            models.Index(fields=("workflow", "due_at"), condition=Q(status="active"), name="enrollment_lane"),
            models.Index(fields=("revision", "step", "due_at"), condition=Q(status="active"), name="enrollment_place"),
            models.Index(fields=("workflow", "-id"), name="enrollment_history"),
            models.Index(fields=("record_id", "workflow"), name="enrollment_record"),
            models.Index(
                fields=("workflow", "step", "ended_reason"),
                condition=Q(status="failed") & ~Q(step=""),
                name="enrollment_stopped",
            ),
            # Whoever walks through to the end is never in it, so it costs steps nothing.
            models.Index(
                fields=("workflow", "status", "-id"),
                condition=Q(status__in=("unenrolled", "failed", "refused")),
                name="enrollment_ended_early",
            ),
            # Only who waits for the workflow's limit (workflows.engine.limits.QUEUED).
            models.Index(
                fields=("workflow", "due_at"),
                condition=Q(status="active", turn=1) & ~Q(waiting_in=F("step")),
                name="enrollment_queue",
            ),
            # Always empty: who has ended is not due (workflows.health.stuck asks every minute).
            models.Index(
                fields=("workflow",),
                condition=~Q(status="active") & Q(due_at__isnull=False),
                name="enrollment_ended_yet_due",
            ),
        )
        triggers = (
            PlainRowTrigger(
                name="stop_waiting",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(TAKEN_OUT),
                func="DELETE FROM workflows_eventwait WHERE enrollment_id = NEW.id; RETURN NULL;",
            ),
        )

    @property
    def entered_as(self) -> int:
        """The id of the record that walked: another than `record_id` where that one has been merged into it."""
        return int(self.cause.get("merged_from") or self.record_id)


class Outcome(models.TextChoices):
    """How one step ended for one enrollment."""

    SUCCESS = "success", _("Done")
    SKIPPED = "skipped", _("Skipped")
    FAILED = "failed", _("Failed")
    WAITING = "waiting", _("Waiting")
    RETRYING = "retrying", _("Trying again")


class StepExecution(models.Model):
    """One line of an enrollment's log. Append-only; partitioned by month of `at`.

    `id` comes from the table's sequence and is in no unique index, which would cost each step more than it is worth:
    nothing refers to a line.
    `detail` holds the facts from which the action tells the sentence (Action.tell).
    """

    id = models.BigAutoField(primary_key=True)
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.DO_NOTHING, db_constraint=False, related_name="executions"
    )
    revision_id = models.BigIntegerField()
    visit = models.PositiveIntegerField()
    step = models.CharField(max_length=64)
    action = models.CharField(max_length=50)
    outcome = models.CharField(max_length=10, choices=Outcome)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "workflows_stepexecution"
        verbose_name = _("step execution")
        verbose_name_plural = _("step executions")
