"""Labelled links between records."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Association(models.Model):
    """A link from one record to another, stored once in each direction so that either side finds it by one index.

    `label` is "" for a plain link, else a label of that pair of object types ("primary").
    Always written through records.associations, which keeps both rows.
    """

    from_type = models.CharField(max_length=50)
    from_id = models.BigIntegerField()
    to_type = models.CharField(max_length=50)
    to_id = models.BigIntegerField()
    label = models.CharField(_("label"), max_length=60, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("association")
        verbose_name_plural = _("associations")
        constraints = (
            models.UniqueConstraint(
                fields=("from_type", "from_id", "to_type", "to_id", "label"), name="one_association_per_label"
            ),
        )
