"""Publishing: a draft becomes an immutable revision that is on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from records.plans import bits
from records.problems import DocumentError, Problem
from workflows import doorbell
from workflows.definitions import checking, touching
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.definitions.settings_checks import late_problems, turn_off_at
from workflows.drafting import Conflict, auditing
from workflows.drafting.telling import told
from workflows.engine import closing_up, limits
from workflows.enrollment.enrolling import enroll_selected, locked
from workflows.enrollment.leaving import sweep
from workflows.failpoints import reach
from workflows.holding import hold_still
from workflows.intake import reacting
from workflows.intake.subscriptions import subscribe, unsubscribe
from workflows.intake.taking import lock_dispatching
from workflows.lifecycle import describing, following
from workflows.lifecycle.following import FOLLOW, KEEP, PIN, RECOMPUTE, Followed, policy_of
from workflows.lifecycle.previewing import Review, review, trigger_criteria
from workflows.lifecycle.switching import note, refuse_deleted
from workflows.models import Revision, Workflow
from workflows.rights.opening import refuse_change
from workflows.schedules import centring, scheduling

#: Who publishes looks first (workflows.lifecycle.previewing); both are found here.
__all__ = ["Published", "Review", "RevisionConflict", "publish", "review"]


class RevisionConflict(Conflict):
    """The draft is not the one that was reviewed: somebody has edited or published it since."""


@dataclass(frozen=True)
class Published:
    """The new revision, how many records were enrolled, and what became of those who were inside."""

    revision: Revision
    enrolled: int
    followed: Followed = field(default_factory=Followed)

    @property
    def moved(self) -> int:
        return self.followed.moved

    @property
    def removed(self) -> int:
        return self.followed.removed


def publish(
    workflow: Workflow,
    *,
    by: Any,
    now: dt.datetime,
    enroll_existing: bool,
    in_flight: str | None = None,
    rev: int | None = None,
    orphans: Mapping[str, str] | None = None,
    delays: str = KEEP,
    name: str | None = None,
    description: str | None = None,
) -> Published:
    """Make the draft the live revision and turn the workflow on; one that is paused stays paused.

    `enroll_existing` enrolls every record that matches now and never was inside (REV-05); without it those are
    members already, and only who begins to match later is enrolled (REV-06, REV-07). `in_flight` says what happens
    to records inside: "follow" moves them to the new revision at their step; "pin" lets them finish the revision they
    are on; None is the settings' version policy. `orphans` gives steps that are gone the step at which their records
    go on ("", or not named: they leave), `delays` says whether who waits in a changed delay keeps its time or gets
    it computed anew: see workflows.lifecycle.following. `rev` is the draft the publisher has seen. `name` and
    `description` are the workflow's from now on; without them it keeps the draft's.

    Raises PermissionDenied, RevisionConflict, and DocumentError with every problem; then nothing has changed.
    """
    if not by.has_perm(checking.PUBLISH):
        raise PermissionDenied(_("You may not publish workflows. Ask somebody with the right to publish."))
    refuse_change(workflow, by)
    refuse_unknown(in_flight, delays)
    with transaction.atomic():
        hold_still(workflow.pk)
        lock_dispatching()
        asked, workflow = workflow, locked(workflow)
        refuse_deleted(workflow)
        revision = reviewed_draft(workflow, rev)
        definition = describing.named(parse(revision.definition), name, description)
        revision.definition = definition.document
        how = in_flight or policy_of(definition)
        found = checking.problems(definition, user=by, workflow=workflow.pk) + late_problems(definition, now, workflow)
        wrong = checking.errors(found)
        wrong += following.problems(definition, orphans or {})
        if wrong:
            raise DocumentError(wrong)
        before = workflow.live
        go_live(workflow, revision, definition, by, now)
        if before is not None:
            unsubscribe(before)
            reacting.unsubscribe(before)
            if (before.definition.get("settings") or {}).get("limit") != definition.settings.get("limit"):
                closing_up.begin_anew(workflow.pk, limits.of_workflow(definition), now)
        subscribe(revision, definition, now)
        reacting.subscribe(revision, definition, before, now)
        scheduling.plan(workflow, definition, now, before)
        done = Followed()
        if how == FOLLOW:
            done = following.follow(workflow, revision, definition, now=now, orphans=orphans or {}, delays=delays)
        sweep(workflow, now)
        reach("after_publish_follow")
        enrolled = enroll_matching(workflow, definition, by, now) if enroll_existing else 0
        facts = {**auditing.of_revision(before, revision), "enrolled": enrolled, **asdict(done)}
        transaction.on_commit(partial(doorbell.ring, "bulk"), robust=True)
        note(workflow, by, "published", now, in_flight=how, delays=delays, enroll_existing=enroll_existing, **facts)
        reach("before_publish_commit")
    reach("after_publish_commit")
    for name in ("live", "status", "turned_on_at", "turn_off_at", "name", "description"):
        setattr(asked, name, getattr(workflow, name))
    return Published(revision, enrolled, done)


def refuse_unknown(in_flight: str | None, delays: str) -> None:
    """Raise DocumentError for a way to treat records inside that is none."""
    wrong = []
    if in_flight not in (None, FOLLOW, PIN):
        message = _("“%(value)s” is no way to treat records inside. Use “follow” or “pin”.") % {"value": in_flight}
        wrong.append(Problem("in_flight", message, in_flight))
    if delays not in (KEEP, RECOMPUTE):
        message = _("“%(value)s” is no way to treat changed delays. Use “keep” or “recompute”.") % {"value": delays}
        wrong.append(Problem("delays", message, delays))
    if wrong:
        raise DocumentError(wrong)


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
    revision.reads, revision.writes = sorted(touching.reads(definition)), sorted(touching.writes(definition))
    revision.save(update_fields=["definition", "published_at", "published_by", "reads", "writes"])
    if workflow.status not in Workflow.OPEN:
        workflow.turned_on_at, workflow.status = now, Workflow.Status.ON
    workflow.live, workflow.turn_off_at = revision, turn_off_at(definition)
    workflow.name = definition.name or workflow.name
    workflow.description = definition.description or workflow.description
    workflow.save()


def enroll_matching(workflow: Workflow, definition: Definition, by: Any, now: dt.datetime) -> int:
    """Enroll every matching record that was never inside, in one statement."""
    compiled = trigger_criteria(definition, now)
    if compiled is None:
        return 0
    cause = {"kind": "existing", "actor": by.pk}
    records = centring.refuse_undated(workflow, compiled.records(), cause, now)
    sql, params = records.order_by().values_list("pk", bits(compiled.leaves)).query.sql_with_params()
    return enroll_selected(workflow, sql, params, cause=cause, now=now)
