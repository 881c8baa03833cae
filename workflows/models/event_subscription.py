"""Which published revisions an event may enroll records into: derived at publish, found by index."""

from __future__ import annotations

from django.db import models

from workflows.models.workflow import Revision


class EventSubscription(models.Model):
    """One event of an event trigger.

    `source` is where its occurrences come from ("event:page_viewed", "change:deal"), `detail` which of them may be it
    (a property's slug, "+" for a record created, "+company" and "-company" for links made and removed). `through` is
    the association from the workflow's records to those it happens to, "" for their own. `item` is its place among the
    trigger's events. Only what occurred from `since` on counts (TRG-03).
    """

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="event_subscriptions")
    item = models.PositiveSmallIntegerField()
    event = models.CharField(max_length=50)
    source = models.CharField(max_length=80)
    detail = models.CharField(max_length=80, blank=True)
    through = models.CharField(max_length=80, blank=True)
    wanted = models.JSONField(default=dict)
    since = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("source", "detail"), name="event_subscription_source"),)
