"""Sequences: personal emails and tasks for a contact, some days apart, until the contact answers."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from timezone_field import TimeZoneField

from crm.models.activity import Task
from crm.models.people import Contact
from crm.models.subscription import SubscriptionType

USER = settings.AUTH_USER_MODEL


class Sequence(models.Model):
    """What is sent and done, in which order; workflows hold its internal name."""

    slug = models.SlugField(
        _("internal name"), max_length=60, unique=True, help_text=_("Stays as it is: workflows use it.")
    )
    name = models.CharField(_("name"), max_length=120, unique=True)
    owner = models.ForeignKey(
        USER, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("owner"),
        help_text=_("Who looks after the sequence."),
    )  # fmt: skip
    active = models.BooleanField(
        _("takes contacts"), default=True,
        help_text=_("Off: nobody can be enrolled any more; who is in it goes on."),
    )  # fmt: skip
    subscription = models.ForeignKey(
        SubscriptionType, models.PROTECT, related_name="+", verbose_name=_("subscription type"),
        limit_choices_to={"channel": SubscriptionType.Channel.EMAIL},
        help_text=_("Each email has a link to unsubscribe from it. Who has done so is not enrolled."),
    )  # fmt: skip
    time_zone = TimeZoneField(_("time zone"), default="UTC", help_text=_("The clocks the times of day are meant on."))
    workdays = models.BooleanField(
        _("on workdays only"),
        default=True,
        help_text=_("Days are counted, and steps are taken, from Monday to Friday."),
    )
    thread = models.BooleanField(
        _("follow-ups are replies"), default=True,
        help_text=_("Later emails answer the first one, in its thread and with its subject."),
    )  # fmt: skip
    #: What steps of workflows enroll in that name no agent (COM-06).
    is_agent = models.BooleanField(
        _("the prospecting agent"), default=False, db_default=False,
        help_text=_("Workflows enroll here by “Enroll in prospecting agent”. Its emails are written by AI."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("sequence")
        verbose_name_plural = _("sequences")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("is_agent",), condition=Q(is_agent=True), name="one_prospecting_agent",
                violation_error_message=_("Another sequence is the prospecting agent. Untick it there first."),
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.name


class SequenceStep(models.Model):
    """One email or task. Its days are counted from the step before it, those of the first from the enrollment."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("Email")
        WRITTEN = "written", _("Email written by AI")
        TASK = "task", _("Task")

    sequence = models.ForeignKey(Sequence, models.CASCADE, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    kind = models.CharField(_("type"), max_length=10, choices=Kind, default=Kind.EMAIL)
    days = models.PositiveSmallIntegerField(
        _("days after the step before"), default=0, validators=(MaxValueValidator(365),)
    )
    at = models.TimeField(_("time of day"), null=True, blank=True, help_text=_("Empty: as soon as the days are over."))
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    body = models.TextField(_("text"), blank=True, max_length=20_000)
    task_kind = models.CharField(_("type of task"), max_length=10, choices=Task.Kind, default=Task.Kind.TODO)
    priority = models.CharField(_("priority"), max_length=10, choices=Task.Priority, default=Task.Priority.NONE)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("position", "pk")
        indexes = (models.Index(fields=("sequence", "position"), name="sequence_steps_in_order"),)

    def __str__(self) -> str:
        return self.subject or self.get_kind_display()


class SequenceEnrollment(models.Model):
    """A contact's way through a sequence; a contact is in one at most.

    While it is active, `step` is taken next, at `due_at`.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("In it")
        FINISHED = "finished", _("Finished")
        REPLIED = "replied", _("Replied")
        MEETING = "meeting", _("Meeting booked")
        BOUNCED = "bounced", _("Bounced")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        UNENROLLED = "unenrolled", _("Unenrolled")
        STOPPED = "stopped", _("Stopped")

    sequence = models.ForeignKey(
        Sequence, models.PROTECT, related_name="enrollments", db_index=False, verbose_name=_("sequence")
    )
    contact = models.ForeignKey(
        Contact, models.CASCADE, related_name="sequences", db_index=False, verbose_name=_("contact")
    )
    status = models.CharField(_("state"), max_length=12, choices=Status, default=Status.ACTIVE)
    #: Why it ended, as a code of crm.sequences.words.
    reason = models.CharField(max_length=30, blank=True)
    sender = models.ForeignKey(USER, models.SET_NULL, null=True, related_name="+", verbose_name=_("sender"))
    from_address = models.EmailField(_("from address"), max_length=254)
    enrolled_by = models.ForeignKey(USER, models.SET_NULL, null=True, related_name="+", verbose_name=_("enrolled by"))
    ended_by = models.ForeignKey(USER, models.SET_NULL, null=True, related_name="+")
    #: The workflow whose step enrolled; workflows may be gone by the time somebody asks.
    workflow_id = models.BigIntegerField(null=True)
    step = models.ForeignKey(SequenceStep, models.SET_NULL, null=True, related_name="+", verbose_name=_("next step"))
    due_at = models.DateTimeField(_("next"), null=True)
    enrolled_at = models.DateTimeField(_("enrolled"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("sequence enrollment")
        verbose_name_plural = _("sequence enrollments")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("contact",), condition=Q(status="active"), name="one_sequence_at_a_time"),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(status="active"), name="sequence_due"),
            models.Index(fields=("sequence", "status", "-id"), name="sequence_members"),
            models.Index(fields=("contact", "-id"), name="sequences_of_contact"),
        )

    def __str__(self) -> str:
        return f"{self.contact} – {self.sequence}"


class SequenceRun(models.Model):
    """A step that was taken for one enrollment: what the contact got, or who got a task."""

    enrollment = models.ForeignKey(SequenceEnrollment, models.CASCADE, related_name="runs", db_index=False)
    step = models.ForeignKey(SequenceStep, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=SequenceStep.Kind)
    #: The subject or title as it was written for the contact.
    title = models.CharField(max_length=250)
    at = models.DateTimeField()
    #: The one-to-one email or the task.
    record_id = models.BigIntegerField()
    #: Its mail in the outbox, and whether what became of it is known here.
    delivery_id = models.BigIntegerField(null=True)
    #: The Message-ID its mail has, without brackets.
    message = models.CharField(max_length=300, blank=True)
    settled = models.BooleanField(default=True)

    class Meta:
        verbose_name = _("taken step")
        verbose_name_plural = _("taken steps")
        ordering = ("id",)
        #: Only ever written by the machine.
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("enrollment", "step"), name="each_step_once"),)
        indexes = (
            models.Index(fields=("delivery_id",), condition=Q(settled=False), name="sequence_mails_to_settle"),
            models.Index(fields=("message",), condition=~Q(message=""), name="sequence_messages"),
        )
