"""What every action answers. An action is one file in an `actions` folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.html import escape

from records.problems import Problem
from workflows.history.reasons import reason_sentence, with_limit
from workflows.step_forms.params import ParamsForm, StepContext

if TYPE_CHECKING:
    from records.object_types import ObjectType
    from records.properties import Property
    from workflows.engine.batch import Batch


class Action(ABC):
    """One type of step.

    `splits`: it has branches. `group` is the heading in the palette: "Records", "Tasks and notes",
    "Communication", "Flow". `object_types` None means every object type.
    """

    slug: str
    label: str | Promise
    description: str | Promise = ""
    group: str | Promise = ""
    icon = "zap"
    splits = False
    #: What tells the branches of a branching apart: "criteria", "values" or "percent".
    branch_key = "criteria"
    #: Only steers records: so it runs although the workflow is turned off (LIF-02), and execution windows and pause
    #: dates do not shift it (SET-04, DLY-14, BRN-14).
    flow = False
    #: Has its place inside a branch only (GTO-07).
    in_branches = False
    #: Writes properties of the enrolled record itself: not for object types that do not let workflows (ACG-09).
    edits_enrolled = False
    #: What it writes are new records of its own, not properties of those that are there.
    creates = False
    object_types: tuple[str, ...] | None = None
    #: The right it takes to bring the step into a workflow, or to change its code; "" where none is needed.
    permission = ""

    class Params(ParamsForm):
        pass

    def offered_to(self, object_type: ObjectType) -> bool:
        """Whether the action can be used in workflows for an object type (ACG-04, ACG-05, ACG-09)."""
        if self.object_types is not None and object_type.slug not in self.object_types:
            return False
        if self.edits_enrolled and not object_type.lets_workflows_write(object_type):
            return False
        return self.Params.possible(object_type)

    def unavailable(self) -> str:
        """Why nobody can use it in this installation, in a few words; "" where people can."""
        return ""

    def params(self, document: dict[str, Any], context: StepContext) -> dict[str, Any]:
        """The cleaned params the action runs with. Raises ValueError when they are not valid."""
        form = self.Params(document=document, context=context)
        if not form.is_valid():
            raise ValueError("; ".join(problem.message for problem in form.problems()))
        return form.cleaned_data

    def lasts(self, document: dict[str, Any], context: StepContext) -> bool:
        """Whether `params` gives the same until the vocabulary changes: then the engine asks once per process.

        The vocabulary are custom properties, users and options kept in tables (records.vocabulary). Actions whose
        forms look at anything else say no; those that say yes leave the params as they are.
        """
        return False

    def problems(self, document: dict[str, Any], context: StepContext) -> list[Problem]:
        """What keeps the step from being published, with paths inside `params`. Override to add to the form's."""
        return self.Params(document=document, context=context).problems()

    def describe(self, document: dict[str, Any], context: StepContext) -> str:
        """The setting in a sentence, for the card: also for params that are not finished."""
        return str(self.label)

    def reads(self, document: dict[str, Any], context: StepContext) -> set[str]:
        """The properties the step reads, as "object_type.property"."""
        return set()

    def needs(self, document: dict[str, Any], context: StepContext) -> dict[str, str]:
        """The enrolled record's properties without which the step does nothing for it, by the setting that asks."""
        return {}

    def writes(self, document: dict[str, Any], context: StepContext) -> set[str]:
        """The properties the step writes, as "object_type.property"."""
        return set()

    def outputs(self, document: dict[str, Any], context: StepContext) -> dict[str, Property]:
        """What the step gives to `batch.output` that later steps may branch by, by name (ACG-07).

        How a step ended needs no mention: "outcome" is an output of every step (ACG-11).
        """
        return {}

    @abstractmethod
    def execute(self, batch: Batch, params: dict[str, Any]) -> None:
        """Run the step for every enrollment of the batch, with a constant number of statements.

        Every enrollment must get exactly one answer (batch.done, skip, fail, wait, take, jump, end); those without
        one count as done. Runs inside the batch's transaction: no network here, write a Delivery instead.
        """

    def resume(self, batch: Batch, params: dict[str, Any]) -> None:
        """A wait this step asked for is over: by default the records go on."""
        batch.done()

    def branch_problems(self, context: StepContext) -> list[Problem]:
        """What keeps the branches of a splitting step from being published, with paths inside the step."""
        return []

    def describe_branch(self, index: int, context: StepContext) -> str:
        """Which records take a branch, in a sentence."""
        return ""

    def default_branches(self) -> list[dict[str, Any]]:
        """The branches a new step starts with; [] for a step that does not split."""
        return []

    def tell(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        """What the step did for one record, as one sentence for a salesperson (safe HTML, may hold links).

        `detail` is what `execute` answered with. May be called years later, when the property, user or step it
        speaks of is gone.
        """
        if "reason" in detail:
            return reason_sentence(detail)
        return with_limit(self.told(detail, outcome, context), detail)

    def told(self, detail: dict[str, Any], outcome: str, context: StepContext) -> str:
        """`tell` for a step that was not skipped and did not fail for a reason of its own. Override this one."""
        return escape(self.label)
