"""The messages of conversations."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.conversation import Conversation


class Message(models.Model):
    """One message of a conversation. What follows from it, crm.conversation_triggers keeps on the conversation."""

    class Direction(models.TextChoices):
        RECEIVED = "received", _("Received")
        SENT = "sent", _("Sent")

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, db_index=False, related_name="messages", verbose_name=_("conversation")
    )
    direction = models.CharField(_("direction"), max_length=10, choices=Direction)
    body = models.TextField(_("message"))
    sender = models.CharField(_("from"), max_length=254, blank=True, db_default="")
    #: Who of us has sent it.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    automatic = models.BooleanField(
        _("sent by a machine"), default=False, db_default=False, help_text=_("No answer of a person.")
    )
    at = models.DateTimeField(_("time"))
    #: The sender's own id, so that a message sent to us twice is kept once.
    key = models.CharField(max_length=255, null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = (models.Index(fields=("conversation", "at", "id"), name="messages_in_order"),)
        constraints = (models.UniqueConstraint(fields=("conversation", "key"), name="one_message_per_key"),)

    def __str__(self) -> str:
        return self.body[:80]
