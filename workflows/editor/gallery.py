"""The goals of the first start as cards: a picture of their steps, and what they need that is not there yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString

from workflows.definitions import checking
from workflows.definitions.goals import Goal
from workflows.definitions.parsing import parse
from workflows.editor.canvas import svg
from workflows.editor.layout import layout


@dataclass(frozen=True)
class Card:
    """A goal; `lacking` are sentences about what has to be made or chosen before it can be published."""

    goal: Goal
    steps: int
    picture: SafeString
    lacking: list[str]


def cards(goals: Iterable[Goal]) -> list[Card]:
    """Each goal drawn by the renderer of the canvas and checked as publishing would."""
    return [card(goal) for goal in goals]


def card(goal: Goal) -> Card:
    definition = parse(goal.definition)
    found = checking.errors(checking.problems(definition))
    lacking = list(dict.fromkeys(str(problem.message) for problem in found))
    return Card(goal, len(definition.by_id), svg(layout(definition)), lacking)
