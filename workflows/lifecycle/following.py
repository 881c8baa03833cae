"""What a new revision means for the records inside: who follows, who stands on a step that is gone, who waits anew."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, F, QuerySet
from django.utils.translation import gettext as _

from records.problems import DocumentError, Problem
from workflows.definitions.definition import Definition, Step
from workflows.definitions.parsing import parse
from workflows.enrollment.leaving import unenroll
from workflows.enrollment.moving_outlook import at
from workflows.enrollment.withdrawing import withdraw
from workflows.models import Enrollment, EventWait, Revision, Workflow

FOLLOW, PIN = "follow", "pin"
KEEP, RECOMPUTE = "keep", "recompute"
#: The settings that say when actions may run.
TIMES = ("timezone", "windows", "pause_dates")
#: The orphans that go on at a step of the new revision, each with a line in its history.
SEND_ON = """
    WITH sent AS (
        UPDATE workflows_enrollment e SET
            revision_id = %(revision)s, step = t.target, visit = e.visit + 1, tries = 0, waiting_in = '',
            arrived_at = %(now)s, due_at = %(now)s, claim = NULL, claimed_until = NULL, attempts = 0
        FROM jsonb_to_recordset(%(targets)s::jsonb) AS t(revision bigint, step text, action text, target text)
        WHERE e.revision_id = t.revision AND e.step = t.step AND e.status = 'active'
        RETURNING e.id, t.revision AS revision_id, e.visit - 1 AS visit, t.step, t.action, t.target
    )
    INSERT INTO workflows_stepexecution (enrollment_id, revision_id, visit, step, action, outcome, detail, at)
    SELECT id, revision_id, visit, step, action, 'skipped',
        jsonb_build_object('reason', 'step_replaced', 'target', target), %(now)s
    FROM sent
"""


@dataclass(frozen=True)
class StepCount:
    """How many enrollments stand on a step of a revision."""

    revision: int
    step: str
    count: int


@dataclass(frozen=True)
class Inside:
    """Who is inside, by step, and what a new revision means for them.

    `orphans` stand on steps it does not have; `delays` wait in delays it changes. `numbers` are the revisions'.
    """

    standing: list[StepCount] = field(default_factory=list)
    orphans: list[StepCount] = field(default_factory=list)
    delays: list[StepCount] = field(default_factory=list)
    definitions: dict[int, Definition] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(place.count for place in self.standing)

    def step(self, place: StepCount) -> Step | None:
        """The step a count is about, as its own revision has it."""
        definition = self.definitions.get(place.revision)
        return definition.by_id.get(place.step) if definition else None

    def next_left(self, place: StepCount, definition: Definition) -> str:
        """The first step after a place that the new definition still has; "" when none is left."""
        old, step_id, seen = self.definitions.get(place.revision), place.step, set[str]()
        while old is not None and step_id in old.after and step_id not in seen:
            seen.add(step_id)
            step_id = old.next_after(step_id)
            if step_id in definition.by_id:
                return step_id
        return ""


@dataclass(frozen=True)
class Followed:
    """How many moved to the new revision, how many of them from a step that is gone, how many left, or wait anew."""

    moved: int = 0
    sent_on: int = 0
    removed: int = 0
    recomputed: int = 0


def policy_of(definition: Definition) -> str:
    """What happens to records inside where the publisher does not choose: the settings' version policy."""
    return PIN if definition.settings.get("version_policy") == PIN else FOLLOW


def standing(workflow: Workflow) -> list[StepCount]:
    """The active enrollments by revision and step: read from the index of places alone."""
    revisions = list(workflow.revisions.exclude(published_at=None).values_list("pk", flat=True))
    found = Enrollment.objects.filter(revision__in=revisions, status=Enrollment.Status.ACTIVE)
    rows = found.values_list("revision", "step").annotate(count=Count("pk")).order_by("revision", "step")
    return [StepCount(*row) for row in rows]


def look_inside(workflow: Workflow, definition: Definition, *, but: int | None = None) -> Inside:
    """Who is inside and what `definition` would mean for them. `but`: a revision that is left out."""
    places = [place for place in standing(workflow) if place.revision != but]
    revisions = Revision.objects.filter(pk__in={place.revision for place in places})
    numbers = {revision.pk: revision.number for revision in revisions}
    definitions = {revision.pk: found for revision in revisions if (found := read(revision))}
    changed = {pk: changed_delays(old, definition) for pk, old in definitions.items()}
    delays = []
    for place in places:
        if place.step in changed.get(place.revision, ()):
            waiting = waiting_at(workflow, place.revision, [place.step]).count()
            delays += [StepCount(place.revision, place.step, waiting)] if waiting else []
    orphans = [place for place in places if place.step not in definition.by_id]
    return Inside(places, orphans, delays, definitions, numbers)


def read(revision: Revision) -> Definition | None:
    """The definition of an old revision; None where an action of it is not installed any more."""
    try:
        return parse(revision.definition)
    except DocumentError:
        return None


def waiting_at(workflow: Workflow, revision_id: int, steps: Iterable[str]) -> QuerySet[Enrollment]:
    found = Enrollment.objects.filter(workflow=workflow, revision=revision_id, status=Enrollment.Status.ACTIVE)
    return found.filter(step__in=list(steps), waiting_in=F("step"))


def is_delay(step: Step) -> bool:
    return step.action.startswith("delay")


def changed_delays(old: Definition, new: Definition) -> list[str]:
    """The delays both have that would wait differently: by their settings, or by the workflow's time zone (DLY-16)."""
    return [
        step.id
        for step in old.walk()
        if step.id in new.by_id and is_delay(step) and meaning(step, old) != meaning(new.by_id[step.id], new)
        and new.by_id[step.id].action == step.action
    ]  # fmt: skip


def meaning(step: Step, definition: Definition) -> tuple[Any, ...]:
    """Everything a delay's end depends on; one of a set amount of time knows no zone."""
    zone = None if step.action == "delay" else definition.settings.get("timezone")
    centre = definition.centre if step.action == "delay_to_centre" else None
    return step.action, step.params, zone, centre


def replaced_steps(old: Definition, new: Definition) -> list[str]:
    """The steps that have kept their id and do something else now."""
    return [step.id for step in old.walk() if step.id in new.by_id and new.by_id[step.id].action != step.action]


def problems(definition: Definition, orphans: Mapping[str, str]) -> list[Problem]:
    """What is wrong with where orphans shall go, with paths into the publication."""
    found = []
    for step, target in orphans.items():
        if target and target not in definition.by_id:
            message = _("The new version has no step “%(value)s”. Choose one of its steps, or “” to leave.")
            found.append(Problem(f"orphans.{step}", message % {"value": target}, target))
        if step in definition.by_id:
            message = _("The step “%(step)s” is in the new version, so its records stay on it. Leave it out.")
            found.append(Problem(f"orphans.{step}", message % {"step": step}, target))
    return found


def follow(
    workflow: Workflow,
    revision: Revision,
    definition: Definition,
    *,
    now: dt.datetime,
    orphans: Mapping[str, str],
    delays: str = KEEP,
) -> Followed:
    """Move who is inside to the new revision, in a few statements however many they are.

    They stay at their step, so that edits reach who has not come to the edited step yet (LIF-06). Who stands on a step
    that is gone goes on at its target in `orphans`, or leaves. Who waits in a changed delay waits as before (`delays`
    "keep") or, counted from when it came, as the new delay says ("recompute"). What stands on a step that has become
    another action does that one. Nobody may be taking steps meanwhile: see workflows.holding.
    """
    inside = look_inside(workflow, definition, but=revision.pk)
    moved = recomputed = 0
    unclaimed: dict[str, Any] = {"revision": revision, "claim": None, "claimed_until": None}
    anew: dict[str, Any] = unclaimed | {"waiting_in": "", "due_at": now, "tries": 0}
    for old_id, old in inside.definitions.items():
        there = Enrollment.objects.filter(workflow=workflow, revision=old_id, status=Enrollment.Status.ACTIVE)
        replaced = there.filter(step__in=replaced_steps(old, definition))
        take_back(replaced, now)
        EventWait.objects.filter(enrollment__in=replaced).delete()
        moved += replaced.update(**anew)
        if any(old.settings.get(key) != definition.settings.get(key) for key in TIMES):
            # Whether an action may run now is asked again; delays wait as they did.
            there.filter(due_at__gt=now, tries=0).exclude(waiting_in=F("step")).update(due_at=now)
        if delays == RECOMPUTE:
            recomputed += waiting_at(workflow, old_id, changed_delays(old, definition)).update(**anew)
    others = Enrollment.objects.filter(workflow=workflow, status=Enrollment.Status.ACTIVE).exclude(revision=revision)
    moved += recomputed + others.filter(step__in=list(definition.by_id)).update(**unclaimed)
    sent_on = send_on(inside, revision, orphans, now)
    removed = unenroll(others, reason="step_removed", by=None, now=now)
    return Followed(moved + sent_on, sent_on, removed, recomputed)


def send_on(inside: Inside, revision: Revision, orphans: Mapping[str, str], now: dt.datetime) -> int:
    """Let orphans that have a target go on there; how many did."""
    targets = [
        {"revision": place.revision, "step": place.step, "action": action_of(inside, place), "target": target}
        for place in inside.orphans
        if (target := orphans.get(place.step))
    ]
    if not targets:
        return 0
    sent_on = at((place.revision, place.step) for place in inside.orphans if orphans.get(place.step))
    take_back(Enrollment.objects.filter(sent_on, status=Enrollment.Status.ACTIVE), now)
    with connection.cursor() as cursor:
        cursor.execute(SEND_ON, {"revision": revision.pk, "now": now, "targets": json.dumps(targets)})
        return cursor.rowcount


def take_back(enrollments: QuerySet[Enrollment], now: dt.datetime) -> None:
    """Take back what steps have asked for that are gone, or do something else, in the new revision."""
    waiting = enrollments.filter(waiting_in=F("step"), due_at=None)
    why = _("A new version of the workflow was published without this action before it was sent.")
    withdraw(list(waiting.values_list("pk", flat=True)), why=why, now=now)


def action_of(inside: Inside, place: StepCount) -> str:
    step = inside.step(place)
    return step.action if step else ""
