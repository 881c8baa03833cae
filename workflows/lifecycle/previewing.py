"""What publishing a draft would mean, told before anybody does it: what is wrong, who matches, who is inside."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from records import criteria
from records.criteria import Compiled
from records.object_types import object_types
from records.problems import DocumentError, Problem
from records.seeing import hidden_in, may_see
from records.vocabulary import read_once
from workflows.definitions import checking
from workflows.definitions.definition import Definition
from workflows.definitions.parsing import parse
from workflows.definitions.settings_checks import late_problems
from workflows.lifecycle.following import FOLLOW, Inside, look_inside, policy_of
from workflows.models import Enrollment, Revision, Workflow
from workflows.registries import triggers
from workflows.reviewing import looking
from workflows.schedules import scheduling
from workflows.schedules.matching import matching_now
from workflows.times.wall_time import workflow_zone


@dataclass(frozen=True)
class Review:
    """What publishing the draft would mean (REV-02 to REV-08).

    `inside` says who is in the workflow and what the draft means for them; `in_flight` what happens to them unless the
    publisher chooses otherwise. `upcoming` are the next times of a schedule. `definition` is None when the document
    cannot even be read. `withheld` says why who matches is not told (then nobody seems to). `kept_out` is how many
    match, were never inside, and do not get in: suppression lists, unenrollment criteria or the goal keep them out.
    """

    definition: Definition | None
    problems: list[Problem]
    trigger_text: str = ""
    matching: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)
    already_enrolled: int = 0
    inside: Inside = field(default_factory=Inside)
    in_flight: str = FOLLOW
    upcoming: list[dt.datetime] = field(default_factory=list)
    withheld: str = ""
    kept_out: int = 0

    @property
    def fresh(self) -> int:
        """How many would enter if those that match now are enrolled."""
        return max(self.matching - self.already_enrolled - self.kept_out, 0)

    @property
    def ready(self) -> bool:
        return not checking.errors(self.problems)


@read_once()
def review(workflow: Workflow, *, user: Any, now: dt.datetime) -> Review:
    """Look at the draft (or, where there is none, at the live revision) as publishing it now would."""
    revision = draft(workflow) or workflow.live
    if revision is None:
        return Review(None, [Problem("", _("The workflow has no definition yet. Add a step."), code="missing")])
    try:
        definition = parse(revision.definition)
    except DocumentError as error:
        return Review(None, error.problems)
    found = checking.problems(definition, user=user, workflow=workflow.pk) + late_problems(definition, now, workflow)
    found += looking.problems(workflow, definition, user=user, now=now)
    if workflow.status == Workflow.Status.DRAINING:
        message = _("The workflow is finishing. Publishing turns it on again, and records enter it.")
        found.append(Problem("", message, severity="warning", code="finishing"))
    text = triggers[definition.trigger.kind].describe(definition.trigger.document, definition.object)
    inside, policy = look_inside(workflow, definition), policy_of(definition)
    if definition.trigger.kind == "schedule":
        times, why = scheduling.upcoming(definition, now), withheld(definition, user, now)
        matching, samples = (0, []) if why else matching_now(definition, now)
        found += [] if why else looking.of_volume(workflow, definition, matching, matching, user=user, now=now)
        return Review(definition, found, text, matching, samples, 0, inside, policy, times, why)
    compiled = trigger_criteria(definition, now)
    if compiled is None:
        return Review(definition, found, text, inside=inside, in_flight=policy)
    if why := withheld(definition, user, now):
        return Review(definition, found, text, inside=inside, in_flight=policy, withheld=why)
    before = Enrollment.objects.filter(workflow=workflow, record_id=OuterRef("pk")).exclude(
        status=Enrollment.Status.REFUSED
    )
    records, matching = compiled.records(), compiled.count()
    already = records.filter(Exists(before)).count()
    out = looking.kept_out(definition, records.exclude(Exists(before)), now)
    found += looking.of_volume(workflow, definition, matching, max(matching - already - out, 0), user=user, now=now)
    return Review(definition, found, text, matching, compiled.samples(), already, inside, policy, kept_out=out)


def withheld(definition: Definition, user: Any, now: dt.datetime) -> str:
    """Why a person is not told who meets the trigger: with numbers alone anybody reads any value; "" when told."""
    kind, document = object_types[definition.object], definition.trigger.criteria
    told = _("How many records match is not told: the trigger looks at %(what)s, which you may not see.")
    if not may_see(user, kind):
        return told % {"what": _("records of the type “%(type)s”") % {"type": kind.slug}}
    try:
        hidden = hidden_in(user, criteria.compile(document, kind, now=now, stored=True)) if document else ""
    except DocumentError:
        return ""
    return told % {"what": hidden} if hidden else ""


def trigger_criteria(definition: Definition, now: dt.datetime) -> Compiled | None:
    """The trigger's criteria; None without a filter trigger, or when they cannot be read."""
    if definition.trigger.kind != "filter" or not definition.trigger.criteria:
        return None
    try:
        kind, zone = object_types[definition.object], workflow_zone(definition.settings).key
        return criteria.compile(definition.trigger.criteria, kind, now=now, zone=zone)
    except DocumentError:
        return None


def draft(workflow: Workflow) -> Revision | None:
    """The revision that would be published; None where nothing has changed since the last was."""
    return workflow.revisions.filter(published_at=None).first()
