"""What records wait for, besides time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from workflows.models.enrollment import Enrollment


class EventWait(models.Model):
    """One enrollment waits on its step for an event of workflows.events. Gone as soon as the wait is over.

    `source` says where occurrences come from ("change:deal": the journal of deals; "workflow": enrollments that were
    completed), `through` over which association or workflow they reach the record. Only what comes after `mark`
    counts (DLY-08): for the journal the newest change at the time the record reached the delay, by id, because ids are
    given in the order of the changes and no clock can be set back among them. `check_at` is when the history since
    then must be looked at again, by the database's clock; None: new occurrences announce themselves.
    """

    enrollment = models.OneToOneField(Enrollment, on_delete=models.CASCADE, primary_key=True, related_name="waits_for")
    step = models.CharField(max_length=64)
    visit = models.PositiveIntegerField()
    object_type = models.CharField(max_length=50)
    record_id = models.BigIntegerField()
    event = models.CharField(max_length=50)
    source = models.CharField(max_length=80)
    through = models.CharField(max_length=80, blank=True)
    #: What exactly the event must be like, as its kind has written it down.
    wanted = models.JSONField(default=dict)
    mark = models.BigIntegerField()
    since = models.DateTimeField()
    check_at = models.DateTimeField(null=True)
    happened_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("source", "object_type", "through", "record_id"), name="event_wait_source"),
            models.Index(fields=("check_at",), condition=Q(check_at__isnull=False), name="event_wait_check"),
        )

    def __str__(self) -> str:
        return f"{self.enrollment_id} · {self.event}"
