"""Publishing: a draft becomes an immutable revision that is on; turning on and off."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from records import criteria, segments
from records.criteria import Compiled
from records.models import Segment
from records.object_types import object_types
from records.plans import bits
from records.problems import DocumentError, Problem
from workflows import checking, doorbell
from workflows.definition import Definition, parse
from workflows.dispatching import lock_dispatching
from workflows.drafting import Conflict
from workflows.drafting.telling import told
from workflows.enrolling import enroll_selected, locked, unenroll
from workflows.failpoints import reach
from workflows.models import AuditEntry, Enrollment, Revision, Subscription, Workflow
from workflows.registries import triggers

FOLLOW, PIN = "follow", "pin"


class RevisionConflict(Conflict):
    """The draft is not the one that was reviewed: somebody has edited or published it since."""


@dataclass(frozen=True)
class StepCount:
    """How many enrollments stand on a step of a revision."""

    revision: int
    step: str
    count: int


@dataclass(frozen=True)
class Review:
    """What publishing the draft would mean (REV-02 to REV-08).

    `inside`: active enrollments by step; `orphans`: those of them whose step the draft no longer has, who would be
    unenrolled if they followed. `definition` is None when the document cannot even be read.
    """

    definition: Definition | None
    problems: list[Problem]
    trigger_text: str = ""
    matching: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)
    already_enrolled: int = 0
    inside: list[StepCount] = field(default_factory=list)
    orphans: list[StepCount] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return not checking.errors(self.problems)


@dataclass(frozen=True)
class Published:
    """The new revision, and how many records were enrolled, moved to it, and had to leave."""

    revision: Revision
    enrolled: int
    moved: int = 0
    removed: int = 0


def review(workflow: Workflow, *, user: Any, now: dt.datetime) -> Review:
    """Look at the draft (or, where there is none, at the live revision) as publishing it now would."""
    revision = draft(workflow) or workflow.live
    if revision is None:
        return Review(None, [Problem("", _("The workflow has no definition yet. Add a step."), code="missing")])
    try:
        definition = parse(revision.definition)
    except DocumentError as error:
        return Review(None, error.problems)
    found = checking.problems(definition, user=user)
    text = triggers[definition.trigger.kind].describe(definition.trigger.document, definition.object)
    inside = standing(workflow)
    orphans = [place for place in inside if place.step not in definition.by_id]
    compiled = trigger_criteria(definition, now)
    if compiled is None:
        return Review(definition, found, text, inside=inside, orphans=orphans)
    before = Enrollment.objects.filter(workflow=workflow, record_id=OuterRef("pk")).exclude(
        status=Enrollment.Status.REFUSED
    )
    already = compiled.records().filter(Exists(before)).count()
    return Review(definition, found, text, compiled.count(), compiled.samples(), already, inside, orphans)


def trigger_criteria(definition: Definition, now: dt.datetime) -> Compiled | None:
    """The trigger's criteria; None without a filter trigger, or when they cannot be read."""
    if definition.trigger.kind != "filter" or not definition.trigger.criteria:
        return None
    try:
        return criteria.compile(
            definition.trigger.criteria, object_types[definition.object], now=now, zone=zone_of(definition)
        )
    except DocumentError:
        return None


def zone_of(definition: Definition) -> str:
    return str(definition.settings.get("timezone") or "UTC")


def draft(workflow: Workflow) -> Revision | None:
    return workflow.revisions.filter(published_at=None).first()


def active(workflow: Workflow) -> QuerySet[Enrollment]:
    return Enrollment.objects.filter(workflow=workflow, status=Enrollment.Status.ACTIVE)


def standing(workflow: Workflow) -> list[StepCount]:
    rows = active(workflow).values_list("revision", "step").annotate(count=Count("pk")).order_by("revision", "step")
    return [StepCount(*row) for row in rows]


def publish(
    workflow: Workflow,
    *,
    by: Any,
    now: dt.datetime,
    enroll_existing: bool,
    in_flight: str = FOLLOW,
    rev: int | None = None,
) -> Published:
    """Make the draft the live revision and turn the workflow on.

    `enroll_existing` enrolls every record that matches now and never was inside (REV-05); without it those are
    members already, and only who begins to match later is enrolled (REV-06, REV-07). `in_flight` says what happens
    to records inside: "follow" moves them to the new revision at their step, and unenrolls those whose step is gone;
    "pin" lets them finish the revision they are on. `rev` is the draft the publisher has seen.

    Raises PermissionDenied, RevisionConflict, and DocumentError with every problem; then nothing has changed.
    """
    if not by.has_perm(checking.PUBLISH):
        raise PermissionDenied(_("You may not publish workflows. Ask somebody with the right to publish."))
    if in_flight not in (FOLLOW, PIN):
        message = _("“%(value)s” is no way to treat records inside. Use “follow” or “pin”.") % {"value": in_flight}
        raise DocumentError([Problem("in_flight", message, in_flight)])
    with transaction.atomic():
        lock_dispatching()
        asked, workflow = workflow, locked(workflow)
        revision = reviewed_draft(workflow, rev)
        definition = parse(revision.definition)
        wrong = checking.errors(checking.problems(definition, user=by))
        if wrong:
            raise DocumentError(wrong)
        before = workflow.live
        go_live(workflow, revision, definition, by, now)
        if before is not None:
            unsubscribe(before)
        subscribe(revision, definition, now)
        moved, removed = follow(workflow, revision, definition, now) if in_flight == FOLLOW else (0, 0)
        reach("after_publish_follow")
        enrolled = enroll_matching(workflow, definition, by, now) if enroll_existing else 0
        facts = {"revision": revision.number, "enrolled": enrolled, "moved": moved, "removed": removed}
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
        note(workflow, by, "published", now, in_flight=in_flight, enroll_existing=enroll_existing, **facts)
        reach("before_publish_commit")
    reach("after_publish_commit")
    for name in ("live", "status", "turned_on_at", "name", "description"):
        setattr(asked, name, getattr(workflow, name))
    return Published(revision, enrolled, moved, removed)


def reviewed_draft(workflow: Workflow, rev: int | None) -> Revision:
    """The draft, locked. Raises RevisionConflict when it is not the one with this `rev`."""
    revision = workflow.revisions.select_for_update().filter(published_at=None).first()
    if revision is None and rev is None:
        message = _("There is nothing to publish: the workflow has no changes since it was published.")
        raise DocumentError([Problem("", message, code="nothing_to_publish")])
    if revision is not None and rev in (None, revision.rev):
        return revision
    if revision is None:
        live = workflow.live
        by, at = (live.published_by, live.published_at) if live else (None, None)
        raise RevisionConflict(by=by, at=at, rev=live.rev if live else 0, op=_("published the draft"))
    last = revision.ops.order_by("-rev").select_related("user").first()
    raise RevisionConflict(
        by=last.user if last else None,
        at=last.at if last else revision.created_at,
        rev=revision.rev,
        op=told(last.op) if last and not last.undone else _("changed the draft"),
    )


def go_live(workflow: Workflow, revision: Revision, definition: Definition, by: Any, now: dt.datetime) -> None:
    revision.published_at, revision.published_by = now, by
    revision.reads, revision.writes = sorted(checking.reads(definition)), sorted(checking.writes(definition))
    revision.save(update_fields=["published_at", "published_by", "reads", "writes"])
    if workflow.status != Workflow.Status.ON:
        workflow.turned_on_at = now
    workflow.live, workflow.status = revision, Workflow.Status.ON
    workflow.name = definition.name or workflow.name
    workflow.description = definition.description or workflow.description
    workflow.save()


def subscribe(revision: Revision, definition: Definition, now: dt.datetime) -> None:
    """Give a filter trigger its segment, filled with who matches now."""
    if definition.trigger.kind != "filter":
        return
    kind = object_types[definition.object]
    segment = segments.create(definition.trigger.criteria or {}, kind, now=now, zone=zone_of(definition))
    Subscription.objects.create(revision=revision, segment=segment, purpose=Subscription.Purpose.TRIGGER)
    segments.fill(segment, now)


def watched_by(revision: Revision) -> QuerySet[Segment]:
    return Segment.objects.filter(pk__in=Subscription.objects.filter(revision=revision).values("segment"))


def unsubscribe(revision: Revision) -> None:
    """Forget the segments of a revision that is no longer live."""
    watched_by(revision).delete()


def follow(workflow: Workflow, revision: Revision, definition: Definition, now: dt.datetime) -> tuple[int, int]:
    """Move who is inside to the new revision, at their step; the others leave. Returns how many did either.

    Claims are taken away, so that a worker in the middle of a step of the old revision cannot move them on.
    """
    others = active(workflow).exclude(revision=revision)
    known = list(definition.by_id)
    moved = removed = 0
    # Between the two statements a worker may take a record from a step that is gone to one that is there, so they
    # are repeated until nobody is left on another revision.
    while others.exists():
        moved += others.filter(step__in=known).update(revision=revision, claim=None, claimed_until=None)
        removed += unenroll(others.exclude(step__in=known), reason="step_removed", by=None, now=now)
    return moved, removed


def enroll_matching(workflow: Workflow, definition: Definition, by: Any, now: dt.datetime) -> int:
    """Enroll every matching record that was never inside, in one statement."""
    compiled = trigger_criteria(definition, now)
    if compiled is None:
        return 0
    sql, params = compiled.records().order_by().values_list("pk", bits(compiled.leaves)).query.sql_with_params()
    return enroll_selected(workflow, sql, params, cause={"kind": "existing", "actor": by.pk}, now=now)


def turn_on(workflow: Workflow, *, by: Any, now: dt.datetime) -> None:
    """Let records enter again. Who matches by now is a member and is not enrolled; who begins to match later is.

    Raises PermissionDenied, and DocumentError when the workflow was never published.
    """
    switch(workflow, Workflow.Status.ON, by, now)


def turn_off(workflow: Workflow, *, by: Any, now: dt.datetime) -> None:
    """Let nobody enter; who is inside stays, and actions are skipped (LIF-01, LIF-02). Raises PermissionDenied."""
    switch(workflow, Workflow.Status.OFF, by, now)


def switch(workflow: Workflow, status: Workflow.Status, by: Any, now: dt.datetime) -> None:
    if not by.has_perm(checking.PUBLISH):
        raise PermissionDenied(_("You may not turn workflows on or off. Ask somebody with the right to publish."))
    with transaction.atomic():
        lock_dispatching()
        current = locked(workflow)
        if current.live is None:
            message = _("The workflow was never published, so it cannot be turned on or off. Publish it first.")
            raise DocumentError([Problem("", message, code="not_published")])
        if current.status != status:
            on = status == Workflow.Status.ON
            current.status = status
            current.turned_on_at = now if on else current.turned_on_at
            current.save(update_fields=["status", "turned_on_at", "updated_at"])
            watched_by(current.live).update(active=on)
            for segment in watched_by(current.live) if on else ():
                segments.fill(segment, now)
            note(current, by, "turned_on" if on else "turned_off", now)
    workflow.status, workflow.turned_on_at = current.status, current.turned_on_at


def note(workflow: Workflow, by: Any, action: str, now: dt.datetime, **detail: Any) -> None:
    AuditEntry.objects.create(workflow=workflow, user=by, action=action, detail=detail, at=now)
