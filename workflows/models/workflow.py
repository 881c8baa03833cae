"""Workflows, their revisions, and the operations that make a draft."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

#: What is refused by the database itself, however it is tried; a publisher who is deleted leaves the revision.
IMMUTABLE = """
    OLD.published_at IS NOT NULL AND (
        OLD.workflow_id, OLD.number, OLD.definition, OLD.rev, OLD.published_at, OLD.reads, OLD.writes
    ) IS DISTINCT FROM (
        NEW.workflow_id, NEW.number, NEW.definition, NEW.rev, NEW.published_at, NEW.reads, NEW.writes
    )
"""


class Folder(models.Model):
    name = models.CharField(_("name"), max_length=120, unique=True)

    class Meta:
        verbose_name = _("folder")
        verbose_name_plural = _("folders")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Workflow(models.Model):
    """What happens to records of one object type, and when."""

    class Status(models.TextChoices):
        OFF = "off", _("Off")
        ON = "on", _("On")
        #: Records enter, and everybody is held where they stand.
        PAUSED = "paused", _("Paused")
        #: Nobody enters; who is inside finishes, then the workflow is off.
        DRAINING = "draining", _("Finishing")

    #: In which of them records enter.
    OPEN = (Status.ON, Status.PAUSED)

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    object_type = models.CharField(_("object type"), max_length=50)
    folder = models.ForeignKey(Folder, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("folder"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OFF)
    live = models.ForeignKey("Revision", on_delete=models.PROTECT, null=True, editable=False, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    turned_on_at = models.DateTimeField(null=True, editable=False)
    #: When the clock turns it off, from the settings of the live revision (SET-14).
    turn_off_at = models.DateTimeField(null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("workflow")
        verbose_name_plural = _("workflows")
        ordering = ("-updated_at",)
        permissions = (
            ("publish_workflow", _("Can publish workflows, turn them on and off, and enroll records")),
            ("write_code", _("Can write custom code in workflows")),
        )

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """One state of a workflow's definition; immutable once published. The draft is the one unpublished revision.

    `rev` counts the operations applied to a draft: the value of If-Match and of the editor's optimistic lock.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    rev = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    #: "object_type.property" of everything the definition reads and writes, checked against the publisher's rights.
    reads = ArrayField(models.TextField(), default=list)
    writes = ArrayField(models.TextField(), default=list)
    #: Everything the definition uses, and the digest of the definition it was read from (workflows.dependencies).
    uses = models.JSONField(default=list, db_default=[], editable=False)
    uses_digest = models.CharField(max_length=32, default="", db_default="", editable=False)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        constraints = (
            models.UniqueConstraint(fields=("workflow", "number"), name="one_revision_per_number"),
            models.UniqueConstraint(
                fields=("workflow",), condition=models.Q(published_at=None), name="one_draft_per_workflow"
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="immutable",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(IMMUTABLE),
                func="RAISE EXCEPTION 'A published revision never changes.' USING ERRCODE = 'restrict_violation';",
            ),
        )

    def __str__(self) -> str:
        return f"{self.workflow} · {self.number}"


class DraftOp(models.Model):
    """One edit of a draft with its inverse: autosave, undo and redo for 30 days, activity log."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="ops")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="ops")
    rev = models.PositiveIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    op = models.JSONField()
    inverse = models.JSONField()
    undone = models.BooleanField(default=False)

    class Meta:
        ordering = ("rev",)
        constraints = (models.UniqueConstraint(fields=("revision", "rev"), name="one_op_per_rev"),)


class Subscription(models.Model):
    """A published revision cares about a segment: derived at publish."""

    class Purpose(models.TextChoices):
        TRIGGER = "trigger", _("trigger")
        #: One filter of the trigger that may enroll again.
        REENROLLMENT = "reenrollment", _("re-enrollment")
        UNENROLLMENT = "unenrollment", _("unenrollment")
        GOAL = "goal", _("goal")
        #: The segment of a list, which the revision does not own.
        SUPPRESSION = "suppression", _("suppression")

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="subscriptions")
    segment = models.ForeignKey("records.Segment", on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=15, choices=Purpose, default=Purpose.TRIGGER)
