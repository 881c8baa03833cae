"""Leads: people or companies somebody tries to win before there is a deal."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from records.models import Record


class Lead(Record):
    """An attempt to win somebody; whom, its associations say."""

    class Stage(models.TextChoices):
        NEW = "new", _("New")
        ATTEMPTING = "attempting", _("Attempting")
        CONNECTED = "connected", _("Connected")
        QUALIFIED = "qualified", _("Qualified")
        DISQUALIFIED = "disqualified", _("Disqualified")

    class Kind(models.TextChoices):
        NEW_BUSINESS = "new_business", _("New business")
        UPSELL = "upsell", _("Upsell")
        SECOND_ATTEMPT = "second_attempt", _("Second attempt")

    class Rating(models.TextChoices):
        HOT = "hot", _("Hot")
        WARM = "warm", _("Warm")
        COLD = "cold", _("Cold")

    name = models.CharField(_("name"), max_length=250)
    stage = models.CharField(_("stage"), max_length=20, choices=Stage, default=Stage.NEW, db_default=Stage.NEW)
    kind = models.CharField(_("type"), max_length=20, choices=Kind, blank=True, db_default="")
    rating = models.CharField(_("rating"), max_length=10, choices=Rating, blank=True, db_default="")
    source = models.CharField(_("source"), max_length=120, blank=True, db_default="")
    disqualification_reason = models.CharField(
        _("reason for disqualification"), max_length=250, blank=True, db_default=""
    )

    class Meta(Record.Meta):
        verbose_name = _("lead")
        verbose_name_plural = _("leads")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name
