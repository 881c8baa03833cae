"""What stands on the canvas, each with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

from workflows.definitions.definition import Definition, Step


@dataclass(frozen=True)
class Box:
    """A card: the trigger ("trigger") or a step."""

    id: str
    x: int
    y: int
    width: int
    height: int
    step: Step | None = None
    number: int = 0
    branch: str = ""
    hidden: int = 0


@dataclass(frozen=True)
class Edge:
    """A line of horizontal and vertical pieces through these points."""

    key: str
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Label:
    """The name of a branch, above its way."""

    key: str
    x: int
    y: int
    width: int
    step: str
    branch: int
    text: str


@dataclass(frozen=True)
class Plus:
    """A place where a step can be added: `at` is its path in the document."""

    at: str
    x: int
    y: int
    after: str


@dataclass(frozen=True)
class Lane:
    """The line from a go-to step to the one it leads to."""

    source: str
    target: str
    points: tuple[tuple[int, int], ...]


@dataclass
class Layout:
    """Everything with its place; lists are in reading order."""

    width: int = 0
    height: int = 0
    items: list[Box | Label | Plus] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    definition: Definition | None = None

    @property
    def boxes(self) -> list[Box]:
        return [item for item in self.items if isinstance(item, Box)]

    @property
    def labels(self) -> list[Label]:
        return [item for item in self.items if isinstance(item, Label)]

    @property
    def pluses(self) -> list[Plus]:
        return [item for item in self.items if isinstance(item, Plus)]
