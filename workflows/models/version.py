"""States of drafts that somebody has given a name, to come back to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from workflows.models.workflow import Workflow

NAME_LIMIT = 100


class NamedVersion(models.Model):
    """A definition as it stood when somebody named it; it never changes."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="named_versions")
    name = models.CharField(_("name"), max_length=NAME_LIMIT)
    definition = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("named version")
        verbose_name_plural = _("named versions")
        ordering = ("-created_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("workflow", "name"), name="one_version_per_name"),)

    def __str__(self) -> str:
        return self.name
