"""What people did with each other: meetings, calls and one-to-one emails, linked to records by associations."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class Meeting(Record):
    """A meeting; its owner is the host."""

    class Outcome(models.TextChoices):
        SCHEDULED = "scheduled", _("Scheduled")
        COMPLETED = "completed", _("Completed")
        RESCHEDULED = "rescheduled", _("Rescheduled")
        NO_SHOW = "no_show", _("No show")
        CANCELLED = "cancelled", _("Cancelled")

    class Kind(models.TextChoices):
        INTRODUCTION = "introduction", _("Introduction")
        DEMONSTRATION = "demonstration", _("Demonstration")
        NEGOTIATION = "negotiation", _("Negotiation")
        FOLLOW_UP = "follow_up", _("Follow-up")
        REVIEW = "review", _("Review")
        OTHER = "other", _("Other")

    class BookedThrough(models.TextChoices):
        BOOKING_PAGE = "booking_page", _("Booking page")
        SEQUENCE = "sequence", _("Sequence")
        CALENDAR = "calendar", _("Calendar")
        CHAT = "chat", _("Chat")
        BY_HAND = "by_hand", _("Entered by hand")

    title = models.CharField(_("title"), max_length=250)
    starts_at = models.DateTimeField(_("start"), null=True, blank=True)
    ends_at = models.DateTimeField(_("end"), null=True, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=20, choices=Outcome, default=Outcome.SCHEDULED, db_default=Outcome.SCHEDULED
    )
    kind = models.CharField(_("type"), max_length=20, choices=Kind, blank=True, db_default="")
    location = models.CharField(_("location"), max_length=250, blank=True, db_default="")
    body = models.TextField(_("notes"), blank=True, db_default="")
    booked_through = models.CharField(
        _("booked through"), max_length=20, choices=BookedThrough, blank=True, db_default=""
    )

    class Meta(Record.Meta):
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.title


class Call(Record):
    """A phone call; its owner is who made or took it.

    `tracked_terms` follows from the transcript: the database detects them as it is written (crm.call_triggers).
    """

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Inbound")
        OUTBOUND = "outbound", _("Outbound")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RINGING = "ringing", _("Ringing")
        IN_PROGRESS = "in_progress", _("In progress")
        COMPLETED = "completed", _("Completed")
        NO_ANSWER = "no_answer", _("No answer")
        BUSY = "busy", _("Busy")
        MISSED = "missed", _("Missed")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Outcome(models.TextChoices):
        CONNECTED = "connected", _("Connected")
        NO_ANSWER = "no_answer", _("No answer")
        BUSY = "busy", _("Busy")
        LEFT_VOICEMAIL = "left_voicemail", _("Left a voicemail")
        LEFT_MESSAGE = "left_message", _("Left a message with somebody")
        WRONG_NUMBER = "wrong_number", _("Wrong number")

    title = models.CharField(_("title"), max_length=250)
    direction = models.CharField(_("direction"), max_length=10, choices=Direction, blank=True, db_default="")
    status = models.CharField(
        _("status"), max_length=20, choices=Status, default=Status.COMPLETED, db_default=Status.COMPLETED
    )
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, blank=True, db_default="")
    number = models.CharField(_("phone number"), max_length=40, blank=True, db_default="")
    happened_at = models.DateTimeField(_("time of the call"), null=True, blank=True)
    duration = models.PositiveIntegerField(_("duration in seconds"), null=True, blank=True)
    recording_url = models.URLField(_("recording"), max_length=500, blank=True, db_default="")
    body = models.TextField(_("notes"), blank=True, db_default="")
    transcript = models.TextField(_("transcript"), blank=True, db_default="")
    tracked_terms = models.JSONField(
        _("tracked terms"), null=True, editable=False, help_text=_("Terms found in the transcript.")
    )

    class Meta(Record.Meta):
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.title


class Email(Record):
    """An email from one person to another; marketing email is events of the contact instead."""

    class Direction(models.TextChoices):
        INCOMING = "incoming", _("Incoming")
        OUTGOING = "outgoing", _("Outgoing")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        SENT = "sent", _("Sent")
        BOUNCED = "bounced", _("Bounced")
        FAILED = "failed", _("Failed")

    subject = models.CharField(_("subject"), max_length=250)
    direction = models.CharField(_("direction"), max_length=10, choices=Direction, blank=True, db_default="")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.SENT, db_default=Status.SENT)
    sender = models.EmailField(_("from"), max_length=254, blank=True, db_default="")
    recipients = models.CharField(
        _("to"), max_length=1000, blank=True, db_default="", help_text=_("Addresses, separated by commas.")
    )
    body = models.TextField(_("body"), blank=True, db_default="")
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    opened_at = models.DateTimeField(_("first opened"), null=True, blank=True)
    clicked_at = models.DateTimeField(_("link first clicked"), null=True, blank=True)
    replied_at = models.DateTimeField(_("first replied to"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("one-to-one email")
        verbose_name_plural = _("one-to-one emails")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.subject
