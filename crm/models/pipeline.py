"""Pipelines and their stages, for deals and for tickets."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Pipeline(models.Model):
    """A sequence of stages a deal or ticket goes through; records hold its slug."""

    object_type = models.CharField(
        _("object type"), max_length=50, choices=[("deal", _("Deal")), ("ticket", _("Ticket"))]
    )
    slug = models.SlugField(_("internal name"), max_length=60)
    label = models.CharField(_("label"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("pipeline")
        verbose_name_plural = _("pipelines")
        ordering = ("object_type", "position", "label")
        constraints = (models.UniqueConstraint(fields=("object_type", "slug"), name="one_pipeline_per_slug"),)

    def __str__(self) -> str:
        return self.label


class Stage(models.Model):
    """One stage (of a deal) or status (of a ticket); records hold its slug."""

    class Outcome(models.TextChoices):
        OPEN = "open", _("open")
        WON = "won", _("won")
        LOST = "lost", _("lost")
        CLOSED = "closed", _("closed")

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages")
    slug = models.SlugField(_("internal name"), max_length=60)
    label = models.CharField(_("label"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    probability = models.PositiveSmallIntegerField(_("probability, %"), default=0)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.OPEN)

    class Meta:
        verbose_name = _("stage")
        verbose_name_plural = _("stages")
        ordering = ("pipeline", "position")
        constraints = (models.UniqueConstraint(fields=("pipeline", "slug"), name="one_stage_per_slug"),)

    def __str__(self) -> str:
        return self.label
