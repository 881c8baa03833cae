"""The journal of changes, written by database triggers only, and its pending queue."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class ChangeKind(models.TextChoices):
    CREATED = "created", _("created")
    UPDATED = "updated", _("changed")
    DELETED = "deleted", _("deleted")
    ASSOCIATED = "associated", _("associated")
    DISSOCIATED = "dissociated", _("no longer associated")
    MERGED = "merged", _("merged with another")


class Change(models.Model):
    """One record was created, changed, deleted or (dis)associated: which properties, before and after, by whom.

    `before`/`after` hold the changed properties only, by property slug (custom ones too), as stored. For an
    association they hold {"to_type", "to_id", "label"}, for a merge `after` is {"merged": id of the record that went
    into this one}. `source` says what caused it: {"kind": "admin" | "api" |
    "import" | "workflow" | …, …}, as given to `change_source`; `depth` counts workflows in its causal chain.
    The table is partitioned by month of `at` (see records.partitions), so its database key is (id, at).
    """

    id = models.BigAutoField(primary_key=True)
    object_type = models.CharField(max_length=50)
    record_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=ChangeKind)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    source = models.JSONField(null=True)
    depth = models.SmallIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "records_change"
        verbose_name = _("change")
        verbose_name_plural = _("changes")


class PendingChange(models.Model):
    """A change the dispatcher has not looked at yet; narrow, deleted in the transaction that enrolls."""

    id = models.BigAutoField(primary_key=True)
    change_id = models.BigIntegerField()
    object_type = models.CharField(max_length=50)
    record_id = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    #: Slugs of the changed properties; for an association, the other object type's slug.
    properties = ArrayField(models.TextField(), default=list)
    source = models.JSONField(null=True)
    depth = models.SmallIntegerField(default=0)
    at = models.DateTimeField()
