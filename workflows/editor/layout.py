"""Where everything on the canvas stands: a pure function of a definition.

Columns never overlap: every list of steps gets a width, its branches stand side by side inside it, and the paths meet
again under them.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from workflows.definitions.definition import Branch, Definition, Step
from workflows.definitions.shares import percent_text
from workflows.editor.lanes import route
from workflows.editor.placed import Box, Edge, Label, Lane, Layout, Plus

WIDTH, HEIGHT = 260, 84
TRIGGER_WIDTH, TRIGGER_HEIGHT = 320, 108
GAP, GUTTER, MARGIN = 64, 40, 48
#: From a branching's card down to its branches' first '+': room for the name of the branch.
FAN = 96
PLUS = 28
#: Beside the name of a branch: room for the share of the records that took it.
SHARE = 2 * 56


def layout(definition: Definition, collapsed: frozenset[str] = frozenset()) -> Layout:
    """Boxes, edges, labels, places to add and go-to lanes. `collapsed`: branchings whose ways are not drawn."""
    drawing = Drawing(definition, collapsed)
    return drawing.result()


class Drawing:
    """One pass over the definition: widths from below, then places from above."""

    def __init__(self, definition: Definition, collapsed: frozenset[str]) -> None:
        self.definition, self.collapsed = definition, collapsed
        self.widths: dict[str, int] = {}
        self.found = Layout(definition=definition)
        self.number = 0

    def result(self) -> Layout:
        found = self.found
        width = max(self.width_of(self.definition.steps), TRIGGER_WIDTH)
        centre = MARGIN + width // 2
        found.items.append(Box("trigger", centre - TRIGGER_WIDTH // 2, MARGIN, TRIGGER_WIDTH, TRIGGER_HEIGHT))
        bottom = self.place(self.definition.steps, "steps", centre, MARGIN + TRIGGER_HEIGHT, "trigger", "")
        found.width = width + 2 * MARGIN
        found.height = bottom + MARGIN
        found.lanes, left = route(found)
        if left < 0:
            shift(found, -left)
        found.width = max([found.width, *(x + MARGIN for lane in found.lanes for x, _y in lane.points)])
        return found

    def width_of(self, steps: tuple[Step, ...]) -> int:
        widest = WIDTH
        for step in steps:
            if step.branches and step.id not in self.collapsed:
                ways = [self.width_of(branch.steps) for branch in step.branches]
                self.widths[step.id] = sum(ways) + GUTTER * (len(ways) - 1)
                widest = max(widest, self.widths[step.id])
        return widest

    def place(self, steps: tuple[Step, ...], path: str, centre: int, top: int, above: str, branch: str) -> int:
        """Put steps under each other from `top` (the bottom of what is above); gives the bottom of the last."""
        found, y, previous = self.found, top, above
        for index, step in enumerate(steps):
            found.edges.append(Edge(f"{previous}-{step.id}", ((centre, y), (centre, y + GAP))))
            found.items.append(Plus(f"{path}.{index}", centre, y + GAP // 2, previous))
            y += GAP
            self.number += 1
            ways = step.branches if step.id not in self.collapsed else ()
            hidden = count(step) if step.branches and not ways else 0
            found.items.append(Box(step.id, centre - WIDTH // 2, y, WIDTH, HEIGHT, step, self.number, branch, hidden))
            self.number += hidden
            y += HEIGHT
            previous = step.id
            if ways:
                y = self.fan(step, f"{path}.{index}", centre, y)
        if not (steps and ends(steps[-1])):
            found.items.append(Plus(f"{path}.{len(steps)}", centre, y + GAP // 2, previous))
            found.edges.append(Edge(f"{previous}-end-{path}", ((centre, y), (centre, y + GAP // 2))))
            y += GAP // 2 + PLUS // 2
        return y

    def fan(self, step: Step, path: str, centre: int, top: int) -> int:
        """The ways of a branching side by side, and where they meet."""
        left = centre - self.widths[step.id] // 2
        bottoms: list[tuple[int, int, bool]] = []
        fork = top + 22
        for index, branch in enumerate(step.branches):
            width = self.width_of(branch.steps)
            middle = left + width // 2
            start = top + FAN - GAP // 2
            self.found.edges.append(
                Edge(f"{step.id}-{index}", ((centre, top), (centre, fork), (middle, fork), (middle, start)))
            )
            text = caption(branch, index)
            wide = min(width, 34 + 8 * max(len(text), 6) + SHARE)
            name = Label(f"{step.id}-{index}", middle, fork + 18, wide, step.id, index, text)
            self.found.items.append(name)
            place = f"{path}.branches.{index}.steps"
            bottom = self.place(branch.steps, place, middle, start, f"{step.id}-{index}", branch.name)
            bottoms.append((middle, bottom, bool(branch.steps) and ends(branch.steps[-1])))
            left += width + GUTTER
        lowest = max(bottom for _middle, bottom, _ended in bottoms) + 24
        for index, (middle, bottom, ended) in enumerate(bottoms):
            if not ended:
                ways = ((middle, bottom), (middle, lowest), (centre, lowest))
                self.found.edges.append(Edge(f"{step.id}-{index}-meet", ways))
        return lowest


def caption(branch: Branch, index: int) -> str:
    """What stands above a way: the branch's name, and its share of the records where it has one."""
    name = branch.name or _("Branch %(number)d") % {"number": index + 1}
    if branch.percent is None:
        return name
    return _("%(name)s · %(percent)s") % {"name": name, "percent": percent_text(branch.percent)}


def ends(step: Step) -> bool:
    """Whether nothing comes after a step: the path ends, goes elsewhere, or every one of its branches does."""
    if step.action in ("end", "go_to"):
        return True
    return bool(step.branches) and all(branch.steps and ends(branch.steps[-1]) for branch in step.branches)


def count(step: Step) -> int:
    """How many steps lie in the branches of a step."""
    return sum(1 + count(inner) for branch in step.branches for inner in branch.steps)


def shift(found: Layout, by: int) -> None:
    """Move everything to the right, to make room for lanes on the left."""
    found.items = [replace(item, x=item.x + by) for item in found.items]
    found.edges = [Edge(edge.key, tuple((x + by, y) for x, y in edge.points)) for edge in found.edges]
    found.lanes = [Lane(n.source, n.target, tuple((x + by, y) for x, y in n.points)) for n in found.lanes]
    found.width += by
