"""Which columns a person wants to see in a list."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class SavedColumns(models.Model):
    """A user's columns for one object type: slugs of properties, or "association:company", in order."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_columns")
    object_type = models.CharField(max_length=50)
    columns = models.JSONField(_("columns"), default=list)

    class Meta:
        verbose_name = _("saved columns")
        verbose_name_plural = _("saved columns")
        constraints = (models.UniqueConstraint(fields=("user", "object_type"), name="one_choice_of_columns"),)

    def __str__(self) -> str:
        return f"{self.user} · {self.object_type}"
