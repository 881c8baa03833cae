"""The picture of a definition: cards as HTML over one SVG, and a still SVG for thumbnails and paths.

Written by Python functions with `escape`, because a template loop takes 25 times as long. Positions are `data-p`
("x,y,width"), which the page's script applies: the content policy forbids style attributes. What follows from
something else is written once: the script reads a card's step off the id of its item, and the place of a card below a
plus off that plus. It draws the icons of the buttons, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from records import icons
from workflows.definitions.definition import Definition, Step, walk
from workflows.editor.card_words import NUMBER, CardWords, card_words, escape
from workflows.editor.failure_form import note
from workflows.editor.jumps import Jumps, jumps_of
from workflows.editor.layout import GAP, PLUS, WIDTH
from workflows.editor.pieces import PATH, Drawn, Piece
from workflows.editor.placed import Box, Label, Layout, Plus
from workflows.registries import actions, triggers
from workflows.step_forms.answers import Answers
from workflows.step_forms.params import StepContext

#: Drawn once per process: asking for the sprite's address takes longer than writing the rest of a card.
icon = cache(icons.icon)
#: Where a card stands, seen from the plus before it, and how wide it is.
BELOW = f"{(PLUS - WIDTH) // 2},{(PLUS + GAP) // 2},{WIDTH}"


@dataclass
class State:
    """What is drawn on top of the layout: problems by step id, the selected step, whether it may be edited.

    `locked` are the reasons, by step id, why the person may not set up a step as it is. `answers` are what is known
    already of the steps.
    """

    problems: dict[str, list[str]] = field(default_factory=dict)
    selected: str = ""
    editable: bool = True
    locked: dict[str, str] = field(default_factory=dict)
    answers: Answers | None = None

    def ask(self, question: str, context: StepContext, step: Step, asked: Callable[[StepContext], str]) -> str:
        """What the action says of a step; one look at the database for all of them."""
        return asked(context.at(step)) if self.answers is None else self.answers.of(question, step, asked)


def canvas(found: Layout, state: State) -> SafeString:
    """The cards in reading order, the names of branches, the '+', and one SVG with the lines."""
    return drawn(found, state).html


def drawn(found: Layout, state: State) -> Drawn:
    """The same in pieces."""
    assert found.definition is not None
    definition = found.definition
    jumps = jumps_of(definition)
    words = card_words({box.id: box.number for box in found.boxes if box.step is not None})
    context = StepContext(definition)
    pieces = []
    for placed in found.items:
        if isinstance(placed, Box):
            pieces.append(card(placed, state, context, words, jumps))
        elif isinstance(placed, Label):
            pieces.append(branch_name(placed, state, context))
        elif state.editable:
            pieces.append(plus_button(placed, words))
    total = sum(1 for _step in definition.walk())
    return Drawn(lines(found), f'<ol class="flow-steps" data-below="{BELOW}">', pieces, total)


def lines(found: Layout) -> str:
    """The SVG under the cards; rounded corners, dashed go-to lanes with arrows."""
    edges = f'<path id="flow-edges" d="{ways(found)}"/>'
    lanes = "".join(
        f'<path class="flow-lane" data-from="{escape(lane.source)}" data-to="{escape(lane.target)}" '
        f'd="{rounded(lane.points)}" marker-end="url(#flow-arrow)"/>'
        for lane in found.lanes
    )
    return (
        f'<svg id="flow-lines" class="flow-lines" aria-hidden="true" width="{found.width}" height="{found.height}" '
        f'viewBox="0 0 {found.width} {found.height}"><defs><marker id="flow-arrow" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
        f'<path d="M0 0 8 4 0 8z"/></marker></defs>{edges}{lanes}</svg>'
    )


def ways(found: Layout) -> str:
    """Every edge in one path. What goes straight down is one piece, behind the cards and pluses that stand on it."""
    cards = {(box.x + box.width // 2, box.y): box.y + box.height for box in found.boxes}
    straight: dict[int, list[tuple[int, int]]] = {}
    parts: list[str] = []
    for edge in found.edges:
        (x, top), (last, bottom) = edge.points[0], edge.points[-1]
        if any(point[0] != x for point in edge.points):
            parts.append(rounded(edge.points))
        else:
            straight.setdefault(last, []).append((top, bottom))
    for x, pieces in straight.items():
        begun, end = sorted(pieces)[0]
        for top, bottom in sorted(pieces)[1:]:
            if top > max(end, cards.get((x, end), 0)) + PLUS // 2:
                parts.append(f"M{x} {begun}V{end}")
                begun = top
            end = bottom
        parts.append(f"M{x} {begun}V{end}")
    return "".join(parts)


def rounded(points: Iterable[tuple[int, int]], radius: int = 8) -> str:
    """A path through points with rounded corners."""
    corners = list(points)
    if not corners:
        return ""
    path = f"M{corners[0][0]} {corners[0][1]}"
    last = corners[0]
    for before, at, after in zip(corners, corners[1:], corners[2:], strict=False):
        a, b = towards(at, before, radius), towards(at, after, radius)
        path += f"{straight_to(last, a)}q{at[0] - a[0]} {at[1] - a[1]} {b[0] - a[0]} {b[1] - a[1]}"
        last = b
    return f"{path}{straight_to(last, corners[-1])}"


def straight_to(start: tuple[int, int], end: tuple[int, int]) -> str:
    """The shortest way to write a line that is upright or level."""
    if start[0] == end[0]:
        return f"v{end[1] - start[1]}"
    return f"H{end[0]}" if start[1] == end[1] else f"L{end[0]} {end[1]}"


def towards(start: tuple[int, int], end: tuple[int, int], length: int) -> tuple[int, int]:
    """The point at most `length` (and half way) from start to end, on a horizontal or vertical line."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    size = min(length, (abs(dx) + abs(dy)) // 2)
    return start[0] + size * ((dx > 0) - (dx < 0)), start[1] + size * ((dy > 0) - (dy < 0))


def card(box: Box, state: State, context: StepContext, words: CardWords, jumps: Jumps) -> Piece:
    if box.step is None:
        return trigger_card(box, state, context.definition)
    step = box.step
    action = actions[step.action]
    summary = state.ask("card", context, step, lambda own: action.describe(step.params, own))
    faults = state.problems.get(step.id, [])
    foot = f'<span class="flow-needs">{words.needs}</span>' if faults else ""
    if box.hidden:
        hidden = ngettext("%(count)d step hidden", "%(count)d steps hidden", box.hidden) % {"count": box.hidden}
        foot += f'<span class="flow-note flow-hidden">{escape(hidden)}</span>'
    if wrong := wrong_inside(box, state):
        told = ngettext("%(count)d problem", "%(count)d problems", wrong) % {"count": wrong}
        foot += f'<span class="flow-needs">{escape(told)}</span>'
    if why := state.locked.get(step.id):
        foot += f'<span class="flow-locked" title="{escape(why)}">{icon("lock")} {escape(_("Locked"))}</span>'
    if failing := note(step):
        foot += f'<span class="flow-note">{icon("refresh")} {escape(failing)}</span>'
    if step.comment:
        foot += f'<span class="flow-comment" title="{escape(step.comment)}">{icon("sticky-note")}</span>'
    foot = f' <span class="flow-foot">{foot}</span>' if foot else ""
    classes = f"flow-card flow-{family(str(action.slug))}{' flow-warn' if faults or wrong else ''}"
    # Where steps can be added, the plus before a card tells its path and its place, which the script takes over.
    path = "" if state.editable else f' data-path="{escape(step.path)}"'
    inner = (
        f'<a class="{classes}" href="?step={escape(step.id)}"{path}{splits(step)}>'
        f'<span class="flow-head">{icon(action.icon)}<span class="flow-title"><b>{NUMBER}.</b> '
        f'{words.labels[step.action]}</span></span> <span class="flow-summary">{escape(summary)}</span>{foot} '
        f'<span class="visually-hidden">{words.place_of(box.branch)}</span></a>'
    )
    if state.editable:
        # Its name is the card's number in words, which the script says.
        inner += '<button type="button" class="flow-more"></button>'
    face = inner + jumps.chips(step.id)
    return Piece(f"s-{step.id}", face, box.x, box.y, box.width, box.number, told=not state.editable)


def wrong_inside(box: Box, state: State) -> int:
    """How much is wrong with the steps a folded branching hides."""
    if not box.hidden or box.step is None:
        return 0
    inside = (step for branch in box.step.branches for step in walk(branch.steps))
    return sum(len(state.problems.get(step.id, ())) for step in inside)


def splits(step: Step) -> str:
    """The names of a step's branches and how many steps each has, for the script."""
    if not step.branches:
        return ""
    ways = [[branch.name, len(branch.steps)] for branch in step.branches]
    return f' data-splits="{escape(json.dumps(ways))}"'


def family(slug: str) -> str:
    """The colour of a card's icon."""
    if slug.startswith("delay"):
        return "delay"
    if slug in ("branch", "value_branch", "random_split", "go_to", "go_to_workflow", "for_each_associated", "end"):
        return "split"
    return "talk" if slug.startswith("send") else "record"


def trigger_card(box: Box, state: State, definition: Definition) -> Piece:
    trigger = triggers[definition.trigger.kind]
    sentence = trigger.describe(definition.trigger.document, definition.object)
    faults = state.problems.get("trigger", [])
    foot = f'<span class="flow-needs">{escape(_("Needs settings"))}</span>' if faults else ""
    if definition.trigger.document.get("reenroll"):
        foot += f'<span class="flow-note">{icon("repeat")} {escape(_("Re-enrollment on"))}</span>'
    inner = (
        f'<a class="flow-card flow-trigger{" flow-warn" if faults else ""}" href="?step=trigger">'
        f'<span class="flow-head">{icon(trigger.icon)}'
        f'<span class="flow-title">{escape(_("Trigger"))}</span></span> '
        f'<span class="flow-summary">{escape(sentence)}</span> <span class="flow-foot">{foot}</span></a>'
    )
    return Piece("s-trigger", inner, box.x, box.y, box.width)


def branch_name(label: Label, state: State, context: StepContext) -> Piece:
    step = context.definition.by_id[label.step]
    way, action = label.branch, actions[step.action]
    told = state.ask(f"branch {way}", context, step, lambda own: action.describe_branch(way, own))
    inner = f'<span class="flow-branch" title="{escape(told)}">{escape(label.text)}</span>'
    return Piece(f"b-{label.key}", inner, label.x - label.width // 2, label.y, label.width)


def plus_button(plus: Plus, words: CardWords) -> Piece:
    """A plus is known by what it stands below: a card, or the name of a branch."""
    first = plus.at.endswith(".0") and plus.after != "trigger"
    label = words.plus_after(plus.after)
    inner = f'<button type="button" class="flow-plus" data-at="{PATH}" aria-label="{label}"></button>'
    key, number = f"{'b' if first else 's'}+{plus.after}", words.numbers.get(plus.after, 0)
    return Piece(key, inner, plus.x - PLUS // 2, plus.y - PLUS // 2, PLUS, number, plus.at)


def svg(found: Layout, title: str = "") -> SafeString:
    """A still picture without words: thumbnails."""
    boxes = "".join(
        f'<rect class="{"thumb-trigger" if box.step is None else "thumb-step"}" data-step="{escape(box.id)}" '
        f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="8"/>'
        for box in found.boxes
    )
    role = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return mark_safe(
        f'<svg class="flow-thumb" {role} viewBox="0 0 {found.width} {found.height}"><path d="{ways(found)}"/>'
        f"{boxes}</svg>"
    )
