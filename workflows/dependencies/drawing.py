"""The map as a picture: workflows in the middle, what they read on the left, what they change on the right.

About one thing it is the other way round: who changes it on the left, who reads or uses it on the right. It is drawn
here, on the server; links in it lead to the map of what they are about, and everything in it is in the table, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflows.dependencies.kinds import WORKFLOW
from workflows.dependencies.mapping import Asked, Line, Thing
from workflows.dependencies.placing import places
from workflows.dependencies.reading import CHANGES
from workflows.models import Workflow

WIDTH, HEIGHT, ROW, COLUMN, MARGIN = 240, 34, 46, 340, 16
#: Characters of a name that fit into a box.
SHOWN = 30
#: Lines of the map that a picture has at most: with more nobody could follow them.
MOST = 60


@dataclass(frozen=True)
class Box:
    """A workflow or another thing in the picture; `asked` is what its map is asked by."""

    name: str
    shown: str
    kind: str
    asked: str
    x: int
    y: int
    tone: str


@dataclass(frozen=True)
class Edge:
    """A line from one box to another; `tone` is how the workflow deals with the thing."""

    path: str
    told: str
    tone: str


@dataclass(frozen=True)
class Picture:
    """What is drawn; `left_out` is how many lines of the map are in the table only."""

    boxes: list[Box]
    edges: list[Edge]
    width: int
    height: int
    left_out: int


Node = tuple[str, str]
#: A node in a column: in two of them where a workflow both reads and changes what the map is about.
Place = tuple[int, Node]


def draw(lines: list[Line], asked: Asked) -> Picture | None:
    """The picture of some lines of the map; None where there is nothing to draw."""
    kept = lines[:MOST]
    if not kept:
        return None
    about = asked.thing or ((WORKFLOW, str(asked.workflow)) if asked.workflow is not None else None)
    columns: tuple[dict[Place, None], ...] = ({}, {}, {})
    names: dict[Node, tuple[str, str, str]] = {}
    links: list[tuple[Line, Place, Place]] = []
    for line in kept:
        workflow, thing = node_of(line.workflow), (line.thing.kind, line.thing.key)
        names[workflow] = (line.workflow.name, "", f"workflow={line.workflow.pk}")
        names[thing] = (line.thing.name, line.thing.kind_label, asked_by(line.thing))
        changes = line.way == CHANGES
        if about is not None and thing == about:
            # Who changes it stands before it, who reads it behind it.
            ends = (0 if changes else 2, workflow), (1, thing)
        else:
            # What is read comes from the left, what is changed, and other workflows, go out to the right.
            ends = (1, workflow), (2 if changes or thing[0] == WORKFLOW else 0, thing)
        for end in ends:
            columns[end[0]].setdefault(end)
        links.append((line, *ends))
    boxes = placed([list(column) for column in columns], links, names)
    edges = [edge(line, boxes[workflow], boxes[thing]) for line, workflow, thing in links]
    height = max(box.y for box in boxes.values()) + ROW + MARGIN
    return Picture(list(boxes.values()), edges, 2 * COLUMN + WIDTH + 2 * MARGIN, height, len(lines) - len(kept))


def node_of(workflow: Workflow) -> Node:
    return WORKFLOW, str(workflow.pk)


def asked_by(thing: Thing) -> str:
    return f"workflow={thing.key}" if thing.kind == WORKFLOW else f"thing={thing.kind}:{thing.key}"


def placed(
    columns: Sequence[Sequence[Place]],
    links: Sequence[tuple[Line, Place, Place]],
    names: Mapping[Node, tuple[str, str, str]],
) -> dict[Place, Box]:
    """The boxes, near to those they have lines to; from the top of each column down, as they are read aloud."""
    rows = places(columns, [(workflow, thing) for _line, workflow, thing in links])
    found = {}
    for number, node in sorted(rows, key=lambda place: (place[0], rows[place])):
        name, kind, asked = names[node]
        shown = name if len(name) <= SHOWN else f"{name[: SHOWN - 1]}…"
        tone = "workflow" if node[0] == WORKFLOW else "thing"
        x, y = MARGIN + number * COLUMN, MARGIN + round(rows[number, node] * ROW)
        found[number, node] = Box(name, shown, kind, asked, x, y, tone)
    return found


def edge(line: Line, workflow: Box, thing: Box) -> Edge:
    """A curve from the right side of the box further left to the left side of the other."""
    first, last = (workflow, thing) if workflow.x < thing.x else (thing, workflow)
    x1, y1, x2, y2 = first.x + WIDTH, first.y + HEIGHT // 2, last.x, last.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    told = f"{line.workflow.name} {line.way_label} {line.thing.name}"
    return Edge(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", told, line.way)
