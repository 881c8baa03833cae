"""Lists of records: static ones, filled by people and workflows, and active ones, kept by criteria."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from records.models.segment import Segment

SLUG_LENGTH = 50
SLUG = RegexValidator(
    r"\A[a-z0-9][a-z0-9-]{0,49}\Z",
    _("Use small letters, digits and hyphens, 50 at most, and begin with a letter or digit."),
)


class RecordList(models.Model):
    """A named list of records of one object type.

    The members of both kinds are the memberships of its segment. The segment of a static list has no criteria and is
    never brought up to date.
    """

    class Kind(models.TextChoices):
        STATIC = "static", _("Static")
        ACTIVE = "active", _("Active")

    slug = models.CharField(_("internal name"), max_length=SLUG_LENGTH, unique=True, validators=[SLUG])
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    object_type = models.CharField(_("object type"), max_length=50)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    segment = models.OneToOneField(Segment, on_delete=models.PROTECT, related_name="record_list", editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("last changed"), auto_now=True)

    class Meta:
        verbose_name = _("list")
        verbose_name_plural = _("lists")
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.kind == self.Kind.ACTIVE


class ListWork(models.Model):
    """Members to be added to a static list or removed from it in the background, some thousands at a time.

    Either `record_ids` names them, or `criteria` do, as they match at `as_of`. `done` says how many of the ids, or up
    to which id of the matching records, has been handled; it is written in the transaction that changes the members.
    """

    class Kind(models.TextChoices):
        ADD = "add", _("add")
        REMOVE = "remove", _("remove")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Done")
        FAILED = "failed", _("Stopped")

    record_list = models.ForeignKey(RecordList, on_delete=models.CASCADE, related_name="work")
    kind = models.CharField(max_length=10, choices=Kind)
    record_ids = ArrayField(models.BigIntegerField(), default=list)
    criteria = models.JSONField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    as_of = models.DateTimeField()
    done = models.BigIntegerField(default=0)
    #: How many members were really added or removed.
    changed = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    message = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("work on a list")
        verbose_name_plural = _("work on lists")
        ordering = ("-id",)
        indexes = (models.Index(fields=("id",), condition=models.Q(status="waiting"), name="list_work_to_do"),)

    def __str__(self) -> str:
        return f"{self.record_list} · {self.kind}"
