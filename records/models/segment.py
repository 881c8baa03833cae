"""Segments: criteria with stored memberships, behind a filter trigger and behind an active list."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

#: How the names begin under which criteria depend on lists, as they do on properties. No property has a colon.
LISTED = "list:"


class Segment(models.Model):
    """Criteria whose matching records are kept as memberships, exact at any time."""

    object_type = models.CharField(max_length=50)
    #: None behind a static list, which nothing but its own additions and removals changes.
    criteria = models.JSONField(null=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    active = models.BooleanField(default=True)
    #: Whether time alone can change who belongs (relative dates); the clock looks at these.
    time_sensitive = models.BooleanField(default=False)
    #: Up to which instant it was followed what time changes, and when that is done next (records.crossings).
    checked_at = models.DateTimeField(null=True)
    check_at = models.DateTimeField(null=True)
    #: Whether the properties whose dates are followed have been given the indexes by which they are found.
    indexed = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")


class SegmentDependency(models.Model):
    """A segment must be looked at again when this property of this object type changes.

    `object_type` is the changed record's type. `path` is [] when it is the segment's own type, else the association
    to walk from the changed record to the segment's records: [{"association": "company"}]. `property` is "*" for any
    change, "association" for links made or removed, "+" for creating, deleting and restoring.
    """

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="dependencies")
    object_type = models.CharField(max_length=50)
    property = models.CharField(max_length=63)
    path = models.JSONField(default=list)

    class Meta:
        indexes = (models.Index(fields=("object_type", "property"), name="segment_dependency_lookup"),)


class Membership(models.Model):
    """A record belongs to a segment."""

    id = models.BigAutoField(primary_key=True)
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="memberships")
    record_id = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("segment", "record_id"), name="one_membership_per_segment"),)
