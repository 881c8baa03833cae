"""Inboxes: where conversations are worked on."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Inbox(models.Model):
    """A place conversations come to and are worked on together; conversations hold its internal name."""

    slug = models.SlugField(
        _("internal name"),
        max_length=60,
        unique=True,
        help_text=_("Stays as it is: conversations and workflows use it."),
    )
    name = models.CharField(_("name"), max_length=120, unique=True)

    class Meta:
        verbose_name = _("inbox")
        verbose_name_plural = _("inboxes")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
