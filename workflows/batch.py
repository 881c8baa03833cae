"""Enrollments standing on the same step, and the answers an action gives for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet

from records.object_types import ObjectType
from workflows import tokens
from workflows.definition import Definition, Step
from workflows.models import Outcome, Revision, Workflow
from workflows.params import StepContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from records.properties import Property


@dataclass(slots=True)
class Standing:
    """One claimed enrollment as the engine carries it through the steps of a transaction."""

    id: int
    record_id: int
    step: str
    visit: int
    waiting_in: str
    cause: dict[str, Any]
    outputs: dict[str, Any]
    enrolled_at: dt.datetime
    tries: int
    arrived_at: dt.datetime | None


@dataclass(slots=True)
class Answer:
    """What a step meant for one enrollment, and where that leads it. `temporary`: trying again may help.

    `move`: "next", "stay" (until `until`, then resumed), "hold" (until `until`, then executed), "branch" (`branch`,
    -1 for none met), "jump" (`target`) or "end".
    """

    outcome: str
    move: str = "next"
    detail: dict[str, Any] = field(default_factory=dict)
    until: dt.datetime | None = None
    branch: int = -1
    target: str = ""
    temporary: bool = False


Some = Iterable[Standing] | Standing | None


class Batch:
    """What an action sees: the step, the enrollments standing on it, and the ways to answer for them.

    Every answer takes one enrollment, several, or None for all. A later answer for the same enrollment replaces the
    earlier one; those without any count as done.
    """

    def __init__(
        self,
        *,
        workflow: Workflow,
        revision: Revision,
        context: StepContext,
        enrollments: list[Standing],
        now: dt.datetime,
    ) -> None:
        assert context.step is not None
        self.now = now
        self.workflow = workflow
        self.revision = revision
        self.context = context
        self.definition: Definition = context.definition
        self.step: Step = context.step
        self.enrollments = enrollments
        self.answers: dict[int, Answer] = {}
        self.notes: dict[int, dict[str, Any]] = {}
        self.outputs: dict[int, dict[str, Any]] = {}

    @property
    def object_type(self) -> ObjectType:
        return self.context.object_type

    @property
    def properties(self) -> Mapping[str, Property]:
        return self.context.properties

    @property
    def ids(self) -> list[int]:
        """The records' ids, in the order of the enrollments."""
        return [enrollment.record_id for enrollment in self.enrollments]

    def records(self) -> QuerySet[Any]:
        """The records of the batch."""
        return self.object_type.records().filter(pk__in=self.ids)

    @cached_property
    def records_by_id(self) -> dict[int, Model]:
        """The records as they are when first asked for in this step."""
        return {record.pk: record for record in self.records()}

    def key(self, enrollment: Standing) -> str:
        """The identity of this step's effect on one enrollment: an Idempotency-Key."""
        return f"{enrollment.id}:{self.step.id}:{enrollment.visit}"

    def render(self, template: str, target: str = "text") -> dict[int, str]:
        """A text with its tokens filled in, by record id; see workflows.tokens.render_many for `target`."""
        if not tokens.has_tokens(template):
            return dict.fromkeys(self.ids, template)
        return tokens.render_many(template, self.object_type, self.records_by_id.values(), self.now, target)

    def done(self, enrollments: Some = None, /, **detail: Any) -> None:
        """The step is done; the record goes on."""
        self.answer(enrollments, Answer(Outcome.SUCCESS), detail)

    def skip(self, enrollments: Some, reason: str, /, **detail: Any) -> None:
        """There was nothing to do, for a reason of workflows.reasons; the record goes on."""
        self.answer(enrollments, Answer(Outcome.SKIPPED), {"reason": reason, **detail})

    def fail(self, enrollments: Some, reason: str, /, *, temporary: bool = False, **detail: Any) -> None:
        """The step could not be done; the history says why, and the step's policy what follows (ACG-12).

        `temporary`: the platform tries again by itself before that (ACG-13).
        """
        self.answer(enrollments, Answer(Outcome.FAILED, temporary=temporary), {"reason": reason, **detail})

    def wait(self, enrollments: Some, until: dt.datetime | None, /, **detail: Any) -> None:
        """The record stays on the step until an instant (None: until something wakes it); then `resume` is asked."""
        self.answer(enrollments, Answer(Outcome.WAITING, "stay", until=until), detail)

    def hold(self, enrollments: Some, until: dt.datetime, /, **detail: Any) -> None:
        """The step may not be done now: it is executed at an instant instead."""
        self.answer(enrollments, Answer(Outcome.WAITING, "hold", until=until), detail)

    def take(self, enrollments: Some, branch: int, /, **detail: Any) -> None:
        """The record takes a branch; -1 goes on after the branching."""
        self.answer(enrollments, Answer(Outcome.SUCCESS, "branch", branch=branch), detail)

    def jump(self, enrollments: Some, step_id: str, /, **detail: Any) -> None:
        """The record goes to another step."""
        self.answer(enrollments, Answer(Outcome.SUCCESS, "jump", target=step_id), detail)

    def end(self, enrollments: Some = None, /, **detail: Any) -> None:
        """The record has completed the workflow."""
        self.answer(enrollments, Answer(Outcome.SUCCESS, "end"), detail)

    def note(self, enrollment: Standing, /, **detail: Any) -> None:
        """Facts for one enrollment's log line, on top of its answer's."""
        self.notes.setdefault(enrollment.id, {}).update(detail)

    def output(self, enrollment: Standing, /, **values: Any) -> None:
        """Values later steps may use; kept with the enrollment under this step's id."""
        self.outputs.setdefault(enrollment.id, {}).update(values)

    def answer(self, enrollments: Some, answer: Answer, detail: dict[str, Any]) -> None:
        answer.detail = detail
        for enrollment in self.chosen(enrollments):
            self.answers[enrollment.id] = answer

    def chosen(self, enrollments: Some) -> Iterable[Standing]:
        if enrollments is None:
            return self.enrollments
        return [enrollments] if isinstance(enrollments, Standing) else enrollments

    def answer_of(self, enrollment: Standing) -> Answer:
        return self.answers.get(enrollment.id) or Answer(Outcome.SUCCESS)

    def detail_of(self, enrollment: Standing) -> dict[str, Any]:
        noted = self.notes.get(enrollment.id)
        told = self.answer_of(enrollment).detail
        return {**told, **noted} if noted else told

    def part(self, enrollments: list[Standing]) -> Batch:
        """The same step for some of the enrollments only, without answers."""
        return Batch(
            workflow=self.workflow, revision=self.revision, context=self.context, enrollments=enrollments, now=self.now
        )

    def absorb(self, other: Batch) -> None:
        """Take over the answers given in a part of this batch."""
        self.answers |= other.answers
        self.notes |= other.notes
        self.outputs |= other.outputs
