"""Templates as cards and in full: a picture of their steps, what they need that is not there, whether they work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.object_types import object_types
from records.seeing import may_use
from workflows.definitions import checking
from workflows.definitions.definition import Definition
from workflows.definitions.goals import FUNCTIONS, Goal
from workflows.definitions.parsing import parse
from workflows.editor.canvas import svg
from workflows.editor.layout import layout
from workflows.editor.page import by_step
from workflows.registries import actions, triggers
from workflows.step_forms.params import StepContext


@dataclass(frozen=True)
class Card:
    """A goal; `lacking` are sentences about what has to be made or chosen before it can be published."""

    goal: Goal
    steps: int
    picture: SafeString
    lacking: list[str]


def lines(definition: Definition, step: str, told: list[str]) -> list[str]:
    """What is said of a step, with the name of its action."""
    if step not in definition.by_id:
        return told
    label = actions[definition.by_id[step].action].label
    return [_("%(action)s: %(message)s") % {"action": label, "message": one} for one in told]


def cards(goals: Iterable[Goal]) -> list[Card]:
    """Each goal drawn by the renderer of the canvas and checked as publishing would."""
    return [card(goal) for goal in goals]


def card(goal: Goal) -> Card:
    definition = parse(goal.definition)
    found = checking.errors(checking.problems(definition))
    lacking = [line for step, told in by_step(found, definition).items() for line in lines(definition, step, told)]
    lacking = list(dict.fromkeys(lacking))
    return Card(goal, len(definition.by_id), svg(layout(definition)), lacking)


@dataclass(frozen=True)
class Line:
    """A step as the preview of a template shows it; `depth` counts the branches it lies in."""

    number: int
    label: str
    sentence: str
    depth: int


@dataclass(frozen=True)
class Preview:
    """A template in full (CRE-12 to CRE-15): whether it works here, what to prepare, what it would do."""

    card: Card
    obstacles: list[str]
    prepare: list[str]
    trigger: str
    lines: list[Line]


def preview(goal: Goal, user: Any) -> Preview:
    """A template as somebody sees it who thinks about using it."""
    definition, drawn = parse(goal.definition), card(goal)
    context = StepContext(definition, None, user)
    kind = triggers[definition.trigger.kind]
    steps = [
        Line(
            number, str(actions[step.action].label), str(actions[step.action].describe(step.params, context)),
            step.path.count(".branches."),
        )
        for number, step in enumerate(definition.walk(), start=1)
    ]  # fmt: skip
    return Preview(
        drawn, obstacles(definition, user), [*(str(one) for one in goal.prepare), *drawn.lacking],
        str(kind.describe(definition.trigger.document, definition.object)), steps,
    )  # fmt: skip


def obstacles(definition: Definition, user: Any) -> list[str]:
    """Why a template does not work here as it is, in a sentence for each type of step; [] when it does (CRE-12)."""
    found = []
    for slug in dict.fromkeys(step.action for step in definition.walk()):
        action = actions[slug]
        if not may_use(user, action.permission):
            found.append(_("%(action)s: you may not use it in workflows.") % {"action": action.label})
        elif why := action.unavailable():
            found.append(_("%(action)s: %(why)s.") % {"action": action.label, "why": str(why).rstrip(".")})
    return found


@dataclass(frozen=True)
class Shelf:
    """A way to narrow the library: what it is asked by, its heading, and how many templates it has."""

    key: str
    value: str
    label: str
    count: int
    chosen: bool


def shelves(goals: Iterable[Goal], chosen: Mapping[str, str]) -> dict[str, list[Shelf]]:
    """The library by function and by type of records, without those that are empty (CRE-10)."""
    known = list(goals)
    functions = {slug: str(label) for slug, label in FUNCTIONS.items()}
    kinds = {slug: capfirst(str(kind.label_plural)) for slug, kind in object_types.items()}
    found = {}
    for key, names, of in (
        ("function", functions, lambda goal: goal.function), ("object", kinds, lambda goal: goal.definition["object"]),
    ):  # fmt: skip
        counts = Counter(of(goal) for goal in known)
        found[key] = [
            Shelf(key, slug, label, counts[slug], chosen.get(key) == slug)
            for slug, label in names.items()
            if counts[slug]
        ]
    return found


def found_goals(goals: Iterable[Goal], chosen: Mapping[str, str]) -> list[Goal]:
    """The templates of a `function` and for an `object` whose words have every one of those in `q` (CRE-11)."""
    words = chosen.get("q", "").casefold().split()
    return [
        goal
        for goal in goals
        if chosen.get("function", "") in ("", goal.function)
        and chosen.get("object", "") in ("", goal.definition["object"])
        and all(word in f"{goal.label} {goal.description} {goal.aim}".casefold() for word in words)
    ]
