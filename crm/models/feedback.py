"""Feedback submissions: what people answered to surveys."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class FeedbackSubmission(Record):
    """One person's answer to one survey."""

    class Kind(models.TextChoices):
        RECOMMENDATION = "recommendation", _("Would recommend (NPS)")
        SATISFACTION = "satisfaction", _("Satisfaction (CSAT)")
        EFFORT = "effort", _("Effort (CES)")
        CUSTOM = "custom", _("Own questions")

    class Sentiment(models.TextChoices):
        POSITIVE = "positive", _("Positive")
        NEUTRAL = "neutral", _("Neutral")
        NEGATIVE = "negative", _("Negative")

    class Channel(models.TextChoices):
        EMAIL = "email", _("Email")
        WEBSITE = "website", _("Website")
        LINK = "link", _("Shared link")
        CHAT = "chat", _("Chat")

    survey = models.CharField(_("survey"), max_length=250)
    kind = models.CharField(_("type of survey"), max_length=20, choices=Kind, blank=True, db_default="")
    sentiment = models.CharField(_("sentiment"), max_length=10, choices=Sentiment, blank=True, db_default="")
    score = models.IntegerField(_("score"), null=True, blank=True)
    text = models.TextField(_("answer"), blank=True, db_default="")
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, blank=True, db_default="")
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("feedback submission")
        verbose_name_plural = _("feedback submissions")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.survey
