"""Enrollments standing on the same step, and the answers an action gives for them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet

from records.object_types import ObjectType
from workflows.data_sources import resolving
from workflows.definitions.definition import Definition, Step
from workflows.engine import results
from workflows.events.occasion import texts_told
from workflows.models import Outcome, Revision, Workflow
from workflows.step_forms.params import StepContext
from workflows.texts import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from records.properties import Property
    from workflows.texts.token_values import Shown


class Standing:
    """One claimed enrollment as the engine carries it through the steps of a transaction.

    What hardly any step asks for comes as the database's text and is read when it is asked for.
    """

    __slots__ = (
        "_arrived_at",
        "_cause",
        "_enrolled_at",
        "_outputs",
        "id",
        "record_id",
        "step",
        "tries",
        "visit",
        "waiting_in",
    )  # fmt: skip

    def __init__(
        self,
        id: int,
        record_id: int,
        step: str,
        visit: int,
        waiting_in: str,
        tries: int,
        cause: str = "{}",
        outputs: str = "{}",
        enrolled_at: str = "",
        arrived_at: str | None = None,
    ) -> None:
        self.id, self.record_id, self.step, self.visit, self.waiting_in = id, record_id, step, visit, waiting_in
        self.tries = tries
        self._cause: str | dict[str, Any] = cause
        self._outputs: str | dict[str, Any] = outputs
        self._enrolled_at = enrolled_at
        self._arrived_at: str | dt.datetime | None = arrived_at

    @property
    def cause(self) -> dict[str, Any]:
        if not isinstance(self._cause, str):
            return self._cause
        found: dict[str, Any] = json.loads(self._cause)
        self._cause = found
        return found

    @property
    def outputs(self) -> dict[str, Any]:
        """What earlier steps have left, by step id."""
        if not isinstance(self._outputs, str):
            return self._outputs
        found: dict[str, Any] = {} if self._outputs == "{}" else json.loads(self._outputs)
        self._outputs = found
        return found

    @outputs.setter
    def outputs(self, outputs: dict[str, Any]) -> None:
        self._outputs = outputs

    @property
    def enrolled_at(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self._enrolled_at)

    @property
    def arrived_at(self) -> dt.datetime | None:
        """When it came to its step."""
        if isinstance(self._arrived_at, str):
            self._arrived_at = dt.datetime.fromisoformat(self._arrived_at)
        return self._arrived_at

    def move_to(self, step: str, now: dt.datetime) -> int:
        """Go on to another step; how many have been visited then."""
        self.step, self.waiting_in, self.tries, self._arrived_at = step, "", 0, now
        self.visit += 1
        return self.visit


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
        """A text with its tokens filled in, by record id; see workflows.texts.tokens.render_many for `target`."""
        if not tokens.has_tokens(template):
            return dict.fromkeys(self.ids, template)
        slugs, names, raw = tokens.told_slugs(template), tokens.results_named(template), target in tokens.RAW
        sourced = tokens.sourced(template, self.context.sources)
        told = self.told(slugs, names, sourced, raw=raw) if slugs or names or sourced else None
        return tokens.render_many(template, self.object_type, self.records_by_id.values(), self.now, target, told)

    def told(
        self, slugs: list[str], names: list[str], sourced: Mapping[str, Iterable[str]], *, raw: bool = False
    ) -> dict[int, dict[str, Shown]]:
        """What texts say of the event, of earlier steps' results and of data sources, by record id and name.

        `sourced` are the properties asked for by the id of the source.
        """
        found = resolving.texts_of(self, sourced, raw=raw) if sourced else {}
        if slugs:
            for pk, facts in texts_told(self.definition, self.enrollments, slugs, raw=raw).items():
                found.setdefault(pk, {}).update({f"{tokens.EVENT}.{slug}": text for slug, text in facts.items()})
        for name in names:
            for pk, text in results.texts_left(self.context, self.enrollments, name, raw=raw).items():
                found.setdefault(pk, {})[f"{tokens.OUTPUT}.{name}"] = text
        return found

    def done(self, enrollments: Some = None, /, **detail: Any) -> None:
        """The step is done; the record goes on."""
        self.answer(enrollments, Answer(Outcome.SUCCESS), detail)

    def skip(self, enrollments: Some, reason: str, /, **detail: Any) -> None:
        """There was nothing to do, for a reason of workflows.history.reasons; the record goes on."""
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
        if enrollments is None:
            enrollments = self.enrollments
        elif isinstance(enrollments, Standing):
            enrollments = [enrollments]
        self.answers |= dict.fromkeys([enrollment.id for enrollment in enrollments], answer)

    def answer_of(self, enrollment: Standing) -> Answer:
        return self.answers.get(enrollment.id) or Answer(Outcome.SUCCESS)

    def detail_of(self, enrollment: Standing) -> dict[str, Any]:
        noted = self.notes.get(enrollment.id)
        told = self.answer_of(enrollment).detail
        return {**told, **noted} if noted else told

    def answered(self) -> list[tuple[Answer, list[Standing]]]:
        """The answers, each with the enrollments it was given for."""
        plain = Answer(Outcome.SUCCESS)
        if not self.answers:
            return [(plain, self.enrollments)]
        answers = self.answers
        different = {id(answer): answer for answer in answers.values()}
        if len(different) == 1 and answers.keys() >= {enrollment.id for enrollment in self.enrollments}:
            return [(answer, self.enrollments) for answer in different.values()]
        groups: dict[int, list[Standing]] = {}
        for enrollment in self.enrollments:
            groups.setdefault(id(answers.get(enrollment.id, plain)), []).append(enrollment)
        return [(different.get(key, plain), group) for key, group in groups.items()]

    def part(self, enrollments: list[Standing]) -> Batch:
        """The same step for some of the enrollments only, without answers."""
        return Batch(
            workflow=self.workflow, revision=self.revision, context=self.context, enrollments=enrollments, now=self.now
        )

    def absorb(self, other: Batch) -> None:
        """Take over the answers given in a part of this batch."""
        self.answers |= other.answers
        for enrollment_id, facts in other.notes.items():
            self.notes[enrollment_id] = {**self.notes.get(enrollment_id, {}), **facts}
        self.outputs |= other.outputs
