"""The parsed content of a revision: trigger, steps, and where each step leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workflows.definitions import centres

#: The output every step has: how it ended ("success", "skipped", "failed").
OUTCOME = "outcome"
#: The actions from which records do not go on at the step that follows.
GO_TO, END = "go_to", "end"


@dataclass(frozen=True)
class Branch:
    """One way out of a branch step. Without criteria and values it is the way for "none met" (BRN-07)."""

    name: str
    criteria: dict[str, Any] | None
    values: tuple[Any, ...] | None
    steps: tuple[Step, ...]
    percent: float | None = None


@dataclass(frozen=True)
class Step:
    """A node of a definition: its id is stable for life. `path` is its place in the document."""

    id: str
    action: str
    params: dict[str, Any]
    branches: tuple[Branch, ...]
    comment: str
    path: str
    #: How often a failed step is tried again, and whether the record stops here when that does not help.
    retries: int = 0
    stops: bool = False


@dataclass(frozen=True)
class Trigger:
    """What enrolls: kind filter, event, schedule or manual, with that kind's own keys in `document`."""

    kind: str
    document: dict[str, Any]

    @property
    def criteria(self) -> dict[str, Any] | None:
        return self.document.get("criteria")


@dataclass(frozen=True)
class Definition:
    """A whole workflow. `document` is what was parsed; reading it directly is for storage and the API only."""

    name: str
    object: str
    description: str
    trigger: Trigger
    steps: tuple[Step, ...]
    settings: dict[str, Any]
    document: dict[str, Any] = field(repr=False, compare=False)
    by_id: dict[str, Step] = field(repr=False, compare=False)
    after: dict[str, str] = field(repr=False, compare=False)

    @cached_property
    def centre(self) -> centres.Centre | None:
        """The day a date-centred workflow's steps are timed by; None for other workflows."""
        return centres.read(self.document.get("centre"))

    @cached_property
    def asked_outcomes(self) -> frozenset[str]:
        """Ids of the steps whose outcome a later step may ask for (ACG-11): only of these it is kept."""
        asked = (str(step.params.get("output", "")).rpartition(".") for step in self.by_id.values())
        return frozenset(step_id for step_id, _dot, name in asked if name == OUTCOME)

    @property
    def first(self) -> str:
        """Id of the first step; "" when there is none."""
        return self.steps[0].id if self.steps else ""

    def next_after(self, step_id: str) -> str:
        """Id of the step that follows, through the end of branches to where their paths meet; "" at the end."""
        return self.after[step_id]

    def first_in(self, step_id: str, branch: int) -> str:
        """Id of the first step of a branch; of the step after the branching when the branch is empty."""
        steps = self.by_id[step_id].branches[branch].steps
        return steps[0].id if steps else self.after[step_id]

    def walk(self) -> Iterator[Step]:
        """Every step in reading order."""
        return walk(self.steps)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Of every step its number on the canvas, from 1, in reading order."""
        return {step_id: number for number, step_id in enumerate(self.by_id, start=1)}

    def number_of(self, step_id: str) -> int:
        """The step's number on the canvas, from 1, in reading order."""
        return self.numbers[step_id]

    def leads_to(self, step: Step) -> list[str]:
        """The ids of the steps records may go to from a step; "" stands for the end."""
        if step.action == GO_TO:
            return [str(step.params.get("step", ""))]
        ways = [self.first_in(step.id, index) for index in range(len(step.branches))]
        return ways + ([] if step.action == END else [self.next_after(step.id)])

    @cached_property
    def sources(self) -> dict[str, list[str]]:
        """Of every step ("": the end) the ids of those from which records come to it."""
        found: dict[str, list[str]] = {}
        for step in self.walk():
            for target in self.leads_to(step):
                found.setdefault(target, []).append(step.id)
        return found

    @cached_property
    def onwards(self) -> dict[str, list[str]]:
        """The same without what begins anew."""
        return {place: found for place, found in self.sources.items() if place != self.first}

    @cached_property
    def leading_back(self) -> dict[str, frozenset[str]]:
        """What workflows.definitions.ways has found out about steps that lead back."""
        return {}


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        for branch in step.branches:
            yield from walk(branch.steps)
