"""How long received requests are kept."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db.models import QuerySet

from workflows.chores import Chore
from workflows.models import WebhookRequest

BATCH = 5_000


def days() -> int:
    """For how many days the log keeps a request (WEBHOOK_LOG_DAYS)."""
    return int(getattr(settings, "WEBHOOK_LOG_DAYS", 30))


def kept() -> QuerySet[WebhookRequest]:
    """What may be forgotten one day, oldest first; those that still wait may not."""
    # By their ids, which have an index: the clock asks often, and the log may have millions of rows.
    return WebhookRequest.objects.exclude(outcome=WebhookRequest.Outcome.WAITING).order_by("pk")


def waiting_since(now: dt.datetime) -> dt.datetime | None:
    """Since when the oldest request should have been forgotten; an hour's worth is collected first."""
    oldest = kept().values_list("received_at", flat=True).first()
    due = oldest + dt.timedelta(days=days(), hours=1) if oldest else None
    return due if due is not None and due <= now else None


def forget(now: dt.datetime) -> int:
    """Delete requests that are older than that; how many. Nothing until an hour's worth is due."""
    if waiting_since(now) is None:
        return 0
    old = kept().filter(received_at__lt=now - dt.timedelta(days=days()))[:BATCH]
    return WebhookRequest.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]


CHORE = Chore(waiting_since, forget)
