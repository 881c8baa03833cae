"""External effects waiting in the outbox, and notifications inside the app."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.utils.translation import gettext_lazy as _


class Delivery(models.Model):
    """One external effect: written in the step's transaction, performed by the delivery job, at least once, by key.

    An SMTP dialogue that was interrupted ends as `uncertain`: somebody has to look before it is sent again. A request
    (kind "webhook") that was interrupted is sent again under the same key.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SENDING = "sending", _("Being sent")
        DONE = "done", _("Sent")
        UNCERTAIN = "uncertain", _("Uncertain: check before sending again")
        DEAD = "dead", _("Given up")
        SKIPPED = "skipped", _("Skipped by hand")

    id = models.BigAutoField(primary_key=True)
    #: "enrollment:step:visit[:recipient]"; the receiver's Idempotency-Key and the mail's Message-ID.
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20)
    #: Whose turn it is among requests: the connection or the host; "" for mails.
    lane = models.CharField(max_length=300, blank=True, default="", db_default="")
    enrollment_id = models.BigIntegerField(null=True)
    #: The request as it was when the step ran; retries never render again. One to or about a person names it, as
    #: "contact", so that it is found when the person is to be forgotten (workflows.outbox.forgetting).
    request = models.JSONField()
    #: What the other side has answered: "status", "body", and "outputs" for later steps; None for mails.
    answer = models.JSONField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    due_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = (
            models.Index(fields=("kind", "due_at"), condition=Q(state="pending"), name="delivery_lane"),
            models.Index(
                fields=("lane", "due_at"), condition=Q(state="pending", kind="webhook"), name="delivery_requests"
            ),
            models.Index(fields=("claimed_until",), condition=Q(state="sending"), name="delivery_sending"),
            models.Index(
                fields=("state", "kind"), condition=Q(state__in=["dead", "uncertain"]), name="delivery_stopped"
            ),
            models.Index(fields=("enrollment_id",), name="delivery_enrollment"),
            models.Index(fields=("done_at",), condition=Q(state__in=["done", "skipped"]), name="delivery_over"),
            models.Index(KT("request__contact"), condition=Q(request__has_key="contact"), name="delivery_contact"),
        )


class Notification(models.Model):
    """A message to a user inside the app: the bell."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    title = models.CharField(_("title"), max_length=250)
    body = models.TextField(_("text"), blank=True)
    url = models.CharField(max_length=500, blank=True)
    object_type = models.CharField(max_length=50, blank=True)
    record_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    #: What a notice about a workflow is about (workflows.health.notifying.KINDS); "" for everything else.
    about = models.CharField(max_length=40, blank=True, default="", db_default="")
    #: When it was in a mail, or had none to be in.
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = (
            models.Index(fields=("user", "-id"), name="notification_bell"),
            models.Index(
                fields=("created_at",),
                condition=models.Q(mailed_at=None) & ~models.Q(about=""),
                name="notification_unmailed",
            ),
        )

    def __str__(self) -> str:
        return self.title


class MailWish(models.Model):
    """Which notifications a user wants by mail as well; without a row all there are, those on workflows once a day."""

    class Workflows(models.TextChoices):
        EACH = "each", _("at once")
        DAILY = "daily", _("once a day")
        NONE = "none", _("never")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    mentions = models.BooleanField(_("mentions in comments"), default=True)
    workflows = models.CharField(
        _("notices about workflows"),
        max_length=10,
        choices=Workflows,
        default=Workflows.DAILY,
        db_default=Workflows.DAILY,
    )

    class Meta:
        verbose_name = _("wish for mail")
        verbose_name_plural = _("wishes for mail")
        #: Everybody sets their own.
        default_permissions = ()


class AuditEntry(models.Model):
    """Who did what to a workflow; append-only, `action` is a code, `detail` its facts."""

    id = models.BigAutoField(primary_key=True)
    workflow = models.ForeignKey("Workflow", on_delete=models.CASCADE, related_name="audit")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=40)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"#{self.pk}"
