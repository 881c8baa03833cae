"""The map as a picture: workflows in the middle, what they read on the left, what they change on the right.

About one thing it is the other way round: who changes it on the left, who reads or uses it on the right. It is drawn
here, on the server; links in it lead to the map of what they are about, and everything in it is in the table, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workflows.dependencies.kinds import WORKFLOW
from workflows.dependencies.mapping import Asked, Line, Thing
from workflows.dependencies.reading import CHANGES
from workflows.models import Workflow

WIDTH, HEIGHT, ROW, COLUMN, MARGIN = 240, 34, 46, 400, 16
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


def draw(lines: list[Line], asked: Asked) -> Picture | None:
    """The picture of some lines of the map; None where there is nothing to draw."""
    kept = lines[:MOST]
    if not kept:
        return None
    about = asked.thing or ((WORKFLOW, str(asked.workflow)) if asked.workflow is not None else None)
    columns: tuple[dict[Node, Box | None], ...] = ({}, {}, {})
    names: dict[Node, tuple[str, str, str]] = {}
    links: list[tuple[Line, int, int]] = []
    for line in kept:
        workflow, thing = node_of(line.workflow), (line.thing.kind, line.thing.key)
        names[workflow] = (line.workflow.name, "", f"workflow={line.workflow.pk}")
        names[thing] = (line.thing.name, line.thing.kind_label, asked_by(line.thing))
        changes = line.way == CHANGES
        if about is not None and thing == about:
            # Who changes it stands before it, who reads it behind it.
            places = (0 if changes else 2, 1)
        else:
            # What is read comes from the left, what is changed, and other workflows, go out to the right.
            places = (1, 2 if changes or thing[0] == WORKFLOW else 0)
        columns[places[0]].setdefault(workflow, None)
        columns[places[1]].setdefault(thing, None)
        links.append((line, *places))
    boxes = placed(columns, names)
    edges = [edge(line, boxes[a, node_of(line.workflow)], boxes[b, (line.thing.kind, line.thing.key)])
             for line, a, b in links]  # fmt: skip
    rows = max(len(column) for column in columns)
    return Picture(
        list(boxes.values()), edges, 2 * COLUMN + WIDTH + 2 * MARGIN, rows * ROW + 2 * MARGIN, len(lines) - len(kept)
    )


def node_of(workflow: Workflow) -> Node:
    return WORKFLOW, str(workflow.pk)


def asked_by(thing: Thing) -> str:
    return f"workflow={thing.key}" if thing.kind == WORKFLOW else f"thing={thing.kind}:{thing.key}"


def placed(
    columns: Iterable[dict[Node, Box | None]], names: dict[Node, tuple[str, str, str]]
) -> dict[tuple[int, Node], Box]:
    """The boxes, each column in the middle of the highest."""
    every = list(columns)
    rows = max(len(column) for column in every)
    found = {}
    for number, column in enumerate(every):
        top = MARGIN + (rows - len(column)) * ROW // 2
        for place, node in enumerate(column):
            name, kind, asked = names[node]
            shown = name if len(name) <= SHOWN else f"{name[: SHOWN - 1]}…"
            tone = "workflow" if node[0] == WORKFLOW else "thing"
            found[number, node] = Box(name, shown, kind, asked, MARGIN + number * COLUMN, top + place * ROW, tone)
    return found


def edge(line: Line, workflow: Box, thing: Box) -> Edge:
    """A curve from the right side of the box further left to the left side of the other."""
    first, last = (workflow, thing) if workflow.x < thing.x else (thing, workflow)
    x1, y1, x2, y2 = first.x + WIDTH, first.y + HEIGHT // 2, last.x, last.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    told = f"{line.workflow.name} {line.way_label} {line.thing.name}"
    return Edge(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", told, line.way)
