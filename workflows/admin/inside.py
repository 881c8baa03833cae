"""The records inside a workflow as the review shows them: where they stand, and what a new version asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from workflows.definitions.definition import Definition, Step
from workflows.lifecycle.following import Inside, StepCount
from workflows.lifecycle.previewing import Review
from workflows.registries import actions
from workflows.step_forms.params import StepContext

ORPHAN = "orphan-"


@dataclass(frozen=True)
class Place:
    """Where records stand: the step, as their own version has it, and how many they are.

    `field` and `suggested` name the form's field for where they go on, and the step that is chosen beforehand.
    """

    name: str
    count: int
    version: int | None = None
    after: str = ""
    field: str = ""
    suggested: str = ""


@dataclass(frozen=True)
class InsideRows:
    """What the review says about the records inside."""

    places: list[Place]
    orphans: list[Place]
    delays: list[Place]
    targets: list[tuple[str, str]]


def inside_rows(review: Review) -> InsideRows:
    """The rows of a review; `targets` are the steps orphans may go on at."""
    inside, definition = review.inside, review.definition
    if definition is None:
        return InsideRows([], [], [], [])
    places = [Place(named(inside, one), one.count, inside.numbers.get(one.revision)) for one in inside.standing]
    targets = [(step.id, full_name(definition, step)) for step in definition.walk()]
    return InsideRows(places, orphans(inside, definition), delays(inside, definition), targets)


def orphans(inside: Inside, definition: Definition) -> list[Place]:
    """One row for each step that is gone, whatever the versions it was in."""
    counts: Counter[str] = Counter()
    for one in inside.orphans:
        counts[one.step] += one.count
    first = {one.step: one for one in reversed(inside.orphans)}
    return [
        Place(
            named(inside, first[step]), count,
            field=f"{ORPHAN}{step}", suggested=inside.next_left(first[step], definition),
        )
        for step, count in counts.items()
    ]  # fmt: skip


def delays(inside: Inside, definition: Definition) -> list[Place]:
    return [
        Place(named(inside, one), one.count, inside.numbers.get(one.revision), described(definition, one.step))
        for one in inside.delays
    ]


def named(inside: Inside, place: StepCount) -> str:
    """ "2. Delay: wait 2 days", as the version the records are on has it."""
    definition, step = inside.definitions.get(place.revision), inside.step(place)
    return full_name(definition, step) if definition and step else place.step


def full_name(definition: Definition, step: Step) -> str:
    facts = {"number": definition.number_of(step.id), "action": actions[step.action].label}
    name = _("%(number)d. %(action)s") % facts
    sentence = described(definition, step.id)
    return name if not sentence or sentence == str(actions[step.action].label) else f"{name}: {sentence}"


def described(definition: Definition, step_id: str) -> str:
    step = definition.by_id[step_id]
    return actions[step.action].describe(step.params, StepContext(definition, step))


def choices_sent(sent: QueryDict) -> dict[str, Any]:
    """What the publisher chose for the records inside, as the verb takes it."""
    targets = {name.removeprefix(ORPHAN): sent[name] for name in sent if name.startswith(ORPHAN)}
    return {"in_flight": sent.get("in_flight") or None, "orphans": targets, "delays": sent.get("delays") or "keep"}
