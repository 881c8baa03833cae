"""Suppression lists: who is in one of them does not enter the workflow and leaves it at once (SUP-01 to SUP-03).

The door asks the lists itself (workflows.enrollment.doors); here is what keeps up with them, and what a
definition may name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext as _

from records.lists.telling import JOINED, key_of
from records.models import Membership, PendingChange, RecordList
from records.object_types import object_types
from records.problems import Problem
from workflows.definitions.definition import Definition
from workflows.enrollment import leaving
from workflows.enrollment.doors import GUARDS
from workflows.models import Enrollment, Subscription, Workflow

LIMIT = 100


def problems(definition: Definition) -> Iterator[Problem]:
    """What is wrong with `suppress`: it names lists of the workflow's own object type (FLT-21)."""
    named = definition.document.get("suppress")
    if named in (None, []):
        return
    if not isinstance(named, list) or not all(isinstance(slug, str) for slug in named):
        message = _('%(value)r is not a list of lists. Send their internal names, like ["customers"].')
        yield Problem("suppress", message % {"value": named}, named)
        return
    if len(named) > LIMIT:
        message = _("A workflow has %(limit)d suppression lists at most; you named %(count)d.")
        yield Problem("suppress", message % {"limit": LIMIT, "count": len(named)})
    known = set(
        RecordList.objects.filter(object_type=definition.object, slug__in=named).values_list("slug", flat=True)
    )
    kind = object_types[definition.object]
    message = _("There is no list “%(slug)s” of %(records)s. Choose another, or take it out of the suppression lists.")
    for i, slug in enumerate(named):
        if slug not in known:
            values = {"slug": slug, "records": kind.label_plural}
            yield Problem(f"suppress.{i}", message % values, slug, code="unknown_list")


def follow(pending: Iterable[PendingChange], now: dt.datetime, workflow_id: int | None = None) -> None:
    """Take out of their workflows, or of one, who has joined a suppression list.

    Who leaves one enters nothing (SUP-03). Who has left it meanwhile and entered the workflow since stays.
    """
    for guard, joined in concerned(pending):
        if workflow_id in (None, guard.revision.workflow_id):
            inside = Enrollment.objects.filter(workflow=guard.revision.workflow, record_id__in=joined)
            members = Membership.objects.filter(segment=guard.segment_id, record_id=OuterRef("record_id"))
            if back := leaving.entered_after(inside.exclude(Exists(members)), joined):
                inside = inside.exclude(pk__in=back)
            leaving.unenroll(inside, reason=GUARDS[guard.purpose][1], by=None, now=now)


def concerned(pending: Iterable[PendingChange]) -> Iterator[tuple[Subscription, dict[int, dt.datetime]]]:
    """The suppressions that changes are about, with the records that have joined, and when they last did."""
    joined: dict[tuple[str, str], dict[int, dt.datetime]] = {}
    for change in pending:
        if change.kind == JOINED:
            for key in change.properties:
                at = joined.setdefault((change.object_type, key), {})
                at[change.record_id] = max(change.at, at.get(change.record_id, change.at))
    if not joined:
        return
    lists = {(one.object_type, key_of(one.slug)): one for one in lists_of(joined)}
    guards = live_guards().filter(segment__in=[one.segment_id for one in lists.values()])
    by_segment: dict[int, list[Subscription]] = {}
    for guard in guards:
        by_segment.setdefault(guard.segment_id, []).append(guard)
    for place, at in joined.items():
        for guard in by_segment.get(lists[place].segment_id, ()) if place in lists else ():
            yield guard, at


def lists_of(places: Iterable[tuple[str, str]]) -> Iterable[RecordList]:
    prefix = len(key_of(""))
    wanted = [Q(object_type=object_type, slug=key[prefix:]) for object_type, key in places]
    return RecordList.objects.filter(Q(*wanted, _connector=Q.OR))


def live_guards() -> Any:
    """The suppressions of live revisions; of workflows that are off there is none."""
    return (
        Subscription.objects.filter(
            purpose=Subscription.Purpose.SUPPRESSION,
            revision=F("revision__workflow__live"),
            revision__workflow__deleted_at=None,
        )
        .exclude(revision__workflow__status=Workflow.Status.OFF)
        .select_related("revision__workflow__live")
    )


def wants_to_know(found: RecordList) -> bool:
    """Whether a workflow lets nobody stay who joins this list."""
    return live_guards().filter(segment=found.segment_id).exists()
