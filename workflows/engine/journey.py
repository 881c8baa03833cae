"""Enrollments walking from step to step inside one transaction, until they wait, end, or have walked far enough."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.db import DataError, IntegrityError

from records.journal import change_source, set_source
from records.outages import LASTING, passing
from records.vocabulary import Version
from workflows.actions.base import Action
from workflows.definitions.definition import OUTCOME, Definition
from workflows.engine import limits
from workflows.engine.batch import Answer, Batch, Standing
from workflows.engine.failing import allowed_tries, next_try
from workflows.engine.moving import Ledger
from workflows.enrollment import leaving
from workflows.enrollment.doors import guarded
from workflows.failpoints import reach
from workflows.models import Enrollment, Outcome, Revision, Workflow
from workflows.prepared import params_of, properties_of
from workflows.registries import actions
from workflows.schedules import centring
from workflows.step_forms.params import StepContext
from workflows.times.windows import Closed, closed_at
from workflows.watchdog import now_doing

logger = logging.getLogger(__name__)

#: Steps one transaction walks at most, and the seconds after which it takes no further one.
STEPS_AT_ONCE = 100
SECONDS_AT_ONCE = 1.0
VISIT_LIMIT = 10_000

Run = Callable[[Batch, dict[str, Any]], None]
#: Steps, and the enrollments that go on with each.
Onward = list[tuple[str, list[Standing]]]
by_id = attrgetter("id")


class Poisoned(Exception):
    """An action failed and there is no savepoint to go back to: the batch is run again with care."""


class Journey:
    """One walk of enrollments of the same revision whose changes have the same causal chain."""

    def __init__(
        self, revision: Revision, definition: Definition, ledger: Ledger, vocabulary: Version, *, careful: bool = True
    ) -> None:
        self.workflow, self.revision, self.definition, self.ledger = revision.workflow, revision, definition, ledger
        #: Whether every step has a savepoint to go back to; else it raises Poisoned when an action fails.
        self.careful = careful
        self.order = {step_id: place for place, step_id in enumerate(definition.by_id)}
        self.context = StepContext(definition)
        self.context.shared["vocabulary"] = vocabulary
        self.context.__dict__["properties"] = properties_of(self.context.object_type, vocabulary)
        self.source: dict[str, Any] = {}
        #: Whether anything may take records out before an action; what is live decides, also for older revisions.
        self.guarded = guarded(definition.document) or revision.pk != revision.workflow.live_id
        self.closed: Closed | None = None
        self.asked_windows = False

    def walk(self, enrollments: list[Standing]) -> int:
        """Take the enrollments as far as they get; how many steps were done for how many of them, in all.

        The step that comes first in reading order is taken first, so that paths that meet again go on together.
        """
        self.source = source_of(self.workflow, enrollments)
        standing: dict[str, list[Standing]] = {}
        for enrollment in enrollments:
            standing.setdefault(enrollment.step, []).append(enrollment)
        done, rounds, started = 0, 0, time.monotonic()
        while standing and rounds < STEPS_AT_ONCE and time.monotonic() - started < SECONDS_AT_ONCE:
            step_id = min(standing, key=lambda found: self.order.get(found, -1))
            batch = standing.pop(step_id)
            done += len(batch)
            rounds += 1
            for next_id, group in self.take_step(step_id, batch):
                # Where paths meet everybody is in the order of the enrollments again, as if they came alone.
                met = standing.get(next_id)
                standing[next_id] = sorted([*met, *group], key=by_id) if met else group
        for waiting in standing.values():
            self.ledger.stand(waiting, self.ledger.now)
        return done

    def take_step(self, step_id: str, enrollments: list[Standing]) -> Onward:
        """Run one step for enrollments standing on it; those that can take the next one at once, by that step."""
        step = self.definition.by_id.get(step_id)
        action = actions.get(step.action) if step else None
        if step is None or action is None:
            for enrollment in enrollments:
                self.leave(enrollment, step_id)
            return []
        enrollments = self.ledger.still_inside(enrollments)
        if self.guarded and not action.flow:
            enrollments = leaving.let_go(self.workflow, enrollments, self.ledger)
        if not enrollments:
            return []
        context = self.context.at(step)
        now_doing(workflow=self.workflow.pk, step=step_id, action=step.action, enrollments=len(enrollments))
        arrived = [enrollment for enrollment in enrollments if enrollment.waiting_in != step_id]
        resumed = [enrollment for enrollment in enrollments if enrollment.waiting_in == step_id]
        onward: Onward = []
        for group, run in ((arrived, action.execute), (resumed, action.resume)):
            if group:
                batch = Batch(
                    workflow=self.workflow, revision=self.revision, context=context, enrollments=group,
                    now=self.ledger.now,
                )  # fmt: skip
                self.perform(batch, action, run)
                reach("after_effect")
                onward += self.follow(batch)
        return onward

    def leave(self, enrollment: Standing, step_id: str) -> None:
        """The end of the path; or, where the step is not known any more, the end of this enrollment."""
        if not step_id:
            self.ledger.end(enrollment, Enrollment.Status.COMPLETED, "completed")
            return
        self.ledger.log(enrollment, self.revision.pk, "", Outcome.FAILED, {"reason": "step_gone"})
        self.ledger.end(enrollment, Enrollment.Status.FAILED, "step_gone")

    def perform(self, batch: Batch, action: Action, run: Run) -> None:
        """Have the action answer for the batch.

        What acts is skipped by workflows that are off (LIF-02), shifted while it is outside the execution windows
        (SET-03), and waits its turn where the workflow has a limit.
        """
        if not action.flow:
            if self.definition.centre and centring.passing_over(batch, lambda part: self.perform(part, action, run)):
                return
            if self.workflow.status == Workflow.Status.OFF:
                batch.skip(None, "workflow_off")
                return
            if closed := self.closing():
                for enrollment in batch.enrollments:
                    opens = closed.opens_for(enrollment.id)
                    batch.hold(enrollment, opens, reason=closed.reason, until=opens.isoformat())
                return
        try:
            params = params_of(action, self.revision.pk, batch.context)
        except ValueError as error:
            batch.fail(None, "invalid_params", error=str(error)[:500])
            return
        part = batch if action.flow else limits.passing(batch)
        if part.enrollments:
            self.attempt(part, params, run)
        if part is not batch:
            batch.absorb(part)

    def closing(self) -> Closed | None:
        """Why and until when nothing may act now; asked once per walk."""
        if not self.asked_windows:
            self.closed, self.asked_windows = closed_at(self.definition, self.ledger.now), True
        return self.closed

    def attempt(self, batch: Batch, params: dict[str, Any], run: Run) -> None:
        """Run the action; when it raises, run it for each half, so that only a poisonous record fails."""
        if not self.careful:
            if not actions[batch.step.action].flow:
                set_source("workflow", **self.facts(batch))
            try:
                run(batch, params)
            except Exception as error:
                if passing(error):
                    raise
                raise Poisoned from error
            return
        whole, before = batch.part(batch.enrollments), frozenset(self.ledger.taken_out)
        try:
            with change_source("workflow", **self.facts(batch)):
                run(whole, params)
        except Exception as error:
            if passing(error):
                raise
            self.ledger.taken_out.intersection_update(before)
            if len(batch.enrollments) > 1:
                middle = len(batch.enrollments) // 2
                for half in (batch.enrollments[:middle], batch.enrollments[middle:]):
                    part = batch.part(half)
                    self.attempt(part, params, run)
                    batch.absorb(part)
                return
            logger.warning("Step %s of workflow %s failed", batch.step.id, self.workflow.pk, exc_info=error)
            batch.fail(None, reason_of(error), error=f"{type(error).__name__}: {error}"[:500])
        else:
            batch.absorb(whole)

    def facts(self, batch: Batch) -> dict[str, Any]:
        """What the journal keeps about the cause of this step's changes."""
        facts = {**self.source, "step": batch.step.id}
        if len(batch.enrollments) == 1:
            facts["enrollment"] = batch.enrollments[0].id
        return facts

    def follow(self, batch: Batch) -> Onward:
        """Log the answers and move the enrollments accordingly; those that can take their next step now, by it."""
        onward: Onward = []
        for answer, group in batch.answered():
            if answer.outcome == Outcome.FAILED:
                group = [enrollment for enrollment in group if not self.failed(batch, enrollment, answer)]
            if not group:
                continue
            self.ledger.log_all(
                group, self.revision.pk, batch.step.action, str(answer.outcome), answer.detail, batch.notes
            )
            self.keep_outputs(batch, group, answer)
            if answer.move in ("stay", "hold"):
                if answer.move == "stay":
                    for enrollment in group:
                        enrollment.waiting_in = batch.step.id
                self.ledger.stand(group, answer.until)
            else:
                onward += self.move(batch, answer, group)
        return onward

    def move(self, batch: Batch, answer: Answer, group: list[Standing]) -> Onward:
        """Send enrollments to their next step; those that can take it at once."""
        target, now, longest = self.next_step(answer, batch.step.id), self.ledger.now, 0
        for enrollment in group:
            longest = max(longest, enrollment.move_to(target, now))
        if not target:
            for enrollment in group:
                self.ledger.end(enrollment, Enrollment.Status.COMPLETED, "completed")
            return []
        if longest < VISIT_LIMIT:
            return [(target, group)]
        detail = {"reason": "too_many_steps", "limit": VISIT_LIMIT}
        tired = [enrollment for enrollment in group if enrollment.visit >= VISIT_LIMIT]
        for enrollment in tired:
            self.ledger.log(enrollment, self.revision.pk, batch.step.action, Outcome.FAILED, detail)
            self.ledger.end(enrollment, Enrollment.Status.FAILED, "too_many_steps")
        rested = [enrollment for enrollment in group if enrollment.visit < VISIT_LIMIT]
        return [(target, rested)] if rested else []

    def failed(self, batch: Batch, enrollment: Standing, answer: Answer) -> bool:
        """Whether the enrollment stays because its step failed: to be tried again, or stopped here for good."""
        step, detail = batch.step, batch.detail_of(enrollment)
        again = next_try(step, answer, enrollment.tries, self.ledger.now)
        if again is not None:
            enrollment.tries += 1
            of = allowed_tries(step, answer)
            facts = {**detail, "try": enrollment.tries, "of": of, "until": again.isoformat()}
            self.ledger.log(enrollment, self.revision.pk, step.action, Outcome.RETRYING, facts)
            self.ledger.stand([enrollment], again)
            return True
        if step.stops:
            self.ledger.log(enrollment, self.revision.pk, step.action, Outcome.FAILED, {**detail, "stops": True})
            self.ledger.end(enrollment, Enrollment.Status.FAILED, str(detail.get("reason", "failed"))[:40])
        return step.stops

    def keep_outputs(self, batch: Batch, group: list[Standing], answer: Answer) -> None:
        """Keep what later steps may ask for: the action's outputs, and how the step ended where one asks."""
        step_id = batch.step.id
        asked = step_id in self.definition.asked_outcomes and answer.outcome != Outcome.WAITING
        if not asked and not batch.outputs:
            return
        for enrollment in group:
            found = batch.outputs.get(enrollment.id, {})
            if asked:
                found = {**found, OUTCOME: str(answer.outcome)}
            if found:
                enrollment.outputs = {**enrollment.outputs, step_id: found}
                self.ledger.outputs.setdefault(enrollment.id, {})[step_id] = found

    def next_step(self, answer: Answer, step_id: str) -> str:
        if answer.move == "branch" and answer.branch >= 0:
            return self.definition.first_in(step_id, answer.branch)
        if answer.move == "jump":
            return answer.target
        return "" if answer.move == "end" else self.definition.next_after(step_id)


def source_of(workflow: Workflow, enrollments: list[Standing]) -> dict[str, Any]:
    """How the journal marks the changes of these enrollments: one workflow deeper than what enrolled them."""
    cause = enrollments[0].cause
    return {"workflow": workflow.pk, "depth": depth_of(cause) + 1, "chain": [*chain_of(cause), workflow.pk]}


def depth_of(cause: dict[str, Any]) -> int:
    return int(cause.get("depth") or 0)


def chain_of(cause: dict[str, Any]) -> tuple[int, ...]:
    return tuple(cause.get("chain") or ())


def reason_of(error: Exception) -> str:
    if isinstance(error, IntegrityError):
        return "not_unique" if "unique" in str(error).lower() else "unexpected"
    too_large = isinstance(error, DataError) or isinstance(error.__cause__, LASTING)
    return "does_not_fit" if too_large else "unexpected"
