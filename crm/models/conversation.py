"""Conversations: what was written to and fro with people, on one channel and subject."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class Conversation(Record):
    """An exchange of messages; the people it is with are its associated contacts.

    What follows from its messages (crm.models.message) the database keeps: the last one, when something was last
    received and sent, and how long the first answer of a person took (FLT-18).
    """

    class Channel(models.TextChoices):
        EMAIL = "email", _("Email")
        CHAT = "chat", _("Chat")
        FORM = "form", _("Form")
        SMS = "sms", _("SMS")
        WHATSAPP = "whatsapp", _("WhatsApp")
        CALL = "call", _("Call")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    subject = models.CharField(_("subject"), max_length=250)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, blank=True, db_default="")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OPEN, db_default=Status.OPEN)
    inbox = models.CharField(_("inbox"), max_length=60, blank=True, db_default="")
    last_message = models.TextField(_("last message"), blank=True, db_default="")
    last_message_at = models.DateTimeField(_("last message at"), null=True, blank=True)
    last_received_at = models.DateTimeField(_("last message received"), null=True, editable=False)
    last_sent_at = models.DateTimeField(_("last message sent"), null=True, editable=False)
    first_response_time = models.BigIntegerField(
        _("first response time of an agent, seconds"),
        null=True,
        editable=False,
        help_text=_("From the first message received to the first answer by a person."),
    )

    class Meta(Record.Meta):
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.subject
