"""Views of the list of workflows that people have saved."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedView(models.Model):
    """What a person looks for in the list of workflows, under a name; `shared` shows it to everybody.

    `query` is the part of the address after the question mark: filters, search and order.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="workflow_views")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=1000)
    shared = models.BooleanField(_("shown to everybody"), default=False)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ("name", "pk")
        #: Everybody who sees workflows has their own.
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("user", "name"), name="one_view_per_name"),)

    def __str__(self) -> str:
        return self.name
