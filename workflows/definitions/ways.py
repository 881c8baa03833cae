"""The ways records take through a definition: where a step leads, what comes before it, whether it comes back."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from django.utils.translation import gettext as _

from workflows.definitions.definition import Definition, Step
from workflows.registries import actions


def label_of(step: Step, definition: Definition, number: int = 0) -> str:
    """A step by its number and its action's name, as the canvas shows it. `number` saves looking it up."""
    action = actions.get(step.action)
    return _("%(number)d. %(action)s") % {
        "number": number or definition.number_of(step.id),
        "action": action.label if action else step.action,
    }


def coming_before(definition: Definition, step_id: str) -> set[str]:
    """The ids of the steps a record may have taken when it comes to a step."""
    return spread(step_id, definition.sources)


def leading_back(definition: Definition, step_id: str) -> frozenset[str]:
    """The ids of the steps from which a record comes to a step without beginning anew, and the step's own.

    A workflow that repeats every year leads from its end to its first step: that is no circle.
    """
    known = definition.leading_back
    if step_id not in known:
        known[step_id] = frozenset(spread(step_id, definition.onwards)) | {step_id}
    return known[step_id]


def spread(start: str, ways: dict[str, list[str]]) -> set[str]:
    """Everything that is reached from a place, the place itself only if something leads back to it."""
    seen: set[str] = set()
    waiting = list(ways.get(start, ()))
    while waiting:
        place = waiting.pop()
        if place and place not in seen:
            seen.add(place)
            waiting += ways.get(place, ())
    return seen


@lru_cache(maxsize=4_096)
def branches_around(path: str) -> frozenset[tuple[str, str]]:
    """The branches the step at a path lies in: each the place of the branching and the number of the branch."""
    parts = path.split(".")
    return frozenset((".".join(parts[:i]), parts[i + 1]) for i, part in enumerate(parts) if part == "branches")


def numbered(definition: Definition) -> Iterable[tuple[int, Step]]:
    """Every step in reading order with the number it has on the canvas."""
    return enumerate(definition.by_id.values(), start=1)


def never_reached(definition: Definition) -> list[Step]:
    """The steps no record can come to, because what stands above them ends the path or goes elsewhere."""
    ways = {step.id: definition.leads_to(step) for step in definition.walk()}
    reached = spread(definition.first, ways) | {definition.first}
    return [step for step in definition.walk() if step.id not in reached]
