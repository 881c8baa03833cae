"""What a published revision cares about: its segments, made and filled when it goes live.

They are made in the order in which changes are followed: what keeps records out, the trigger, and last each filter
that may enroll again, because it asks whether the trigger's criteria are met now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from records import segments
from records.models import RecordList, Segment
from records.object_types import object_types
from workflows.definitions.definition import Definition
from workflows.enrollment import reenrolling
from workflows.models import Revision, Subscription
from workflows.times.wall_time import workflow_zone

Purpose = Subscription.Purpose


def subscribe(revision: Revision, definition: Definition, now: dt.datetime) -> None:
    """Give a revision its segments, filled with who meets them now, and have it follow its suppression lists."""
    for purpose, criteria in wanted(definition):
        kind, zone = object_types[definition.object], workflow_zone(definition.settings).key
        segment = segments.create(criteria, kind, now=now, zone=zone)
        Subscription.objects.create(revision=revision, segment=segment, purpose=purpose)
        segments.fill(segment, now)
    named = definition.document.get("suppress") or ()
    # Whoever is just adding to one of them is waited for: whom they have added is found in the list then.
    lists = RecordList.objects.select_for_update(of=("self",)).filter(slug__in=named, object_type=definition.object)
    Subscription.objects.bulk_create(
        Subscription(revision=revision, segment_id=segment, purpose=Purpose.SUPPRESSION)
        for segment in lists.order_by("pk").values_list("segment", flat=True)
    )


def wanted(definition: Definition) -> Iterator[tuple[str, dict[str, Any]]]:
    """The criteria a definition follows, with their purpose, in the order of following."""
    unenroll = definition.document.get("unenroll") or {}
    if unenroll.get("criteria"):
        yield Purpose.UNENROLLMENT, unenroll["criteria"]
    if definition.document.get("goal"):
        yield Purpose.GOAL, definition.document["goal"]
    if definition.trigger.kind == "filter":
        yield Purpose.TRIGGER, definition.trigger.criteria or {}
        for criteria in reenrolling.ticked(definition.document):
            yield Purpose.REENROLLMENT, criteria


def watched_by(revision: Revision) -> QuerySet[Segment]:
    """The segments of a revision's own, in the order they were made; a list has its own whether it is used or not."""
    own = Subscription.objects.filter(revision=revision).exclude(purpose=Purpose.SUPPRESSION)
    return Segment.objects.filter(pk__in=own.values("segment")).order_by("pk")


def unsubscribe(revision: Revision) -> None:
    """Forget the segments of a revision that is no longer live."""
    watched_by(revision).delete()
    Subscription.objects.filter(revision=revision).delete()


def trigger_segment(revision: Revision) -> Segment | None:
    """The segment of a filter trigger."""
    found = Subscription.objects.filter(revision=revision, purpose=Purpose.TRIGGER).select_related("segment").first()
    return found.segment if found else None
