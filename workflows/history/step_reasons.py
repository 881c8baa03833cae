"""Why a step did what it did for one record: its setting, the way the record took, and by which values (HIS-13)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from records import criteria
from records.criteria import Leaf
from records.journal import values_at
from records.object_types import ObjectType, object_types
from records.problems import DocumentError
from records.seeing import hidden_in
from workflows.definitions.definition import Branch, Definition, Step
from workflows.history.explaining import LeafThenAndNow
from workflows.history.telling import HistoryLine, Path, definition_of
from workflows.models import Enrollment, Revision, StepExecution
from workflows.registries import actions
from workflows.step_forms.params import StepContext
from workflows.times.wall_time import workflow_zone

#: Keys of a group of filters, or of one with filters of its own: what is inside is not answered by the branch alone.
NESTED = ("all", "any", "association", "source")


@dataclass(frozen=True)
class Way:
    """One branch of the step. `taken` is None for those after the one that was taken: nobody asked for them."""

    name: str
    sentence: str
    taken: bool | None
    leaves: list[LeafThenAndNow] = field(default_factory=list)


@dataclass(frozen=True)
class StepReason:
    """One line of the log with what it was about. `setting` is the step in words, "" where the step cannot be read."""

    line: HistoryLine
    enrollment: Enrollment
    revision: Revision | None
    setting: str = ""
    ways: list[Way] = field(default_factory=list)


def explain_step(execution: StepExecution, enrollment: Enrollment, *, user: Any = None) -> StepReason:
    """Why a step ended as it did, as a person may read it, by the version of the workflow it was taken in."""
    revision = Revision.objects.filter(pk=execution.revision_id).first()
    definition = definition_of(revision) if revision else None
    path = Path(enrollment, user)
    path.definitions[execution.revision_id] = definition
    line = path.step_line(execution)
    step = definition.by_id.get(execution.step) if definition else None
    if definition is None or step is None or step.action not in actions:
        return StepReason(line, enrollment, revision)
    setting = actions[step.action].describe(step.params, StepContext(definition, step))
    return StepReason(line, enrollment, revision, setting, ways_of(execution, enrollment, definition, step, user))


def ways_of(
    execution: StepExecution, enrollment: Enrollment, definition: Definition, step: Step, user: Any
) -> list[Way]:
    """The branches of a step, with their filters; [] for a step without, and before it has sent the record one way.

    Filters that look at what the person may not see are left out.
    """
    taken = execution.detail.get("branch")
    if not isinstance(taken, int) or not step.branches:
        return []
    kind = object_types[definition.object]
    then = values_at(kind, enrollment.entered_as, execution.at)
    context = StepContext(definition, step)
    found = []
    for index, branch in enumerate(step.branches):
        answer = True if index == taken else False if taken < 0 or index < taken else None
        answer = (index == taken) if branch.percent is not None else answer
        sentence = actions[step.action].describe_branch(index, context)
        leaves = leaves_of(branch, answer, kind, definition, execution.at, enrollment.record_id, then, user)
        found.append(Way(branch.name, sentence, answer, leaves))
    return found


def leaves_of(
    branch: Branch, answer: bool | None, kind: ObjectType, definition: Definition, at: dt.datetime, record_id: int,
    then: dict[str, Any], user: Any,
) -> list[LeafThenAndNow]:  # fmt: skip
    """The filters of a branch: the values they saw then, by the journal, and their answers now."""
    if not branch.criteria:
        return []
    zone = workflow_zone(definition.settings).key
    try:
        compiled = criteria.compile(branch.criteria, kind, now=at, zone=zone, stored=True)
    except DocumentError:
        return []
    if user is not None and hidden_in(user, compiled):
        return []
    answers = compiled.explain([record_id]).get(record_id, [])
    met_then = answer_of_each(branch.criteria, answer, compiled.leaves)
    return [
        LeafThenAndNow(
            leaf.path, leaf.sentence,
            answers[i].met if answers else None, answers[i].value if answers else "",
            met_then, value_then(leaf, then),
        )
        for i, leaf in enumerate(compiled.leaves)
    ]  # fmt: skip


def answer_of_each(document: dict[str, Any], answer: bool | None, leaves: Sequence[Leaf]) -> bool | None:
    """What a branch's answer says about every filter of it; None where it says nothing about each.

    All filters of a single group have been met by who took the branch, and none of filters joined by OR by who did
    not.
    """
    groups = document.get("any", [document])
    inside = [one for group in groups for one in (group.get("all") or group.get("any") or [group])]
    if answer is None or any(key in one for one in inside for key in NESTED) or len(inside) != len(leaves):
        return None
    if len(inside) == 1:
        return answer
    alone = len(groups) == 1 and "all" in groups[0]
    joined = all(len(group.get("all") or group.get("any") or [group]) == 1 or "any" in group for group in groups)
    return answer if (alone if answer else joined) else None


def value_then(leaf: Leaf, then: dict[str, Any]) -> str | None:
    """The value of a filter's property at that time; None where the journal does not tell."""
    prop = leaf.property
    if prop is None or prop.slug not in then:
        return None
    value = then[prop.slug]
    return "" if value in (None, "", []) else prop.display(value)
