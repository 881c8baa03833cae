"""The goals of the first start as cards: a picture of their steps, and what they need that is not there yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from workflows.definitions import checking
from workflows.definitions.definition import Definition
from workflows.definitions.goals import Goal
from workflows.definitions.parsing import parse
from workflows.editor.canvas import svg
from workflows.editor.layout import layout
from workflows.editor.page import by_step
from workflows.registries import actions


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
