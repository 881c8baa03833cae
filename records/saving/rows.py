"""What comes into a batch and what goes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models

from records.problems import Problem


@dataclass(frozen=True)
class Row:
    """One record as somebody sends it: raw values by property slug, associations as {"type", "id", "label"}.

    With `id` it changes that record, else it creates one (or finds one by the property to upsert by). `initial` are
    raw values only a new record gets, where `properties` has none.
    `incomplete`: a new one may lack required properties, for whoever sends it cannot know of them.
    """

    properties: dict[str, Any] = field(default_factory=dict)
    id: int | None = None
    associations: list[dict[str, Any]] = field(default_factory=list)
    initial: dict[str, Any] = field(default_factory=dict)
    incomplete: bool = False


@dataclass
class Saved:
    """What became of a row: created, updated, unchanged or invalid; problems' paths are inside the row."""

    status: str
    id: int | None = None
    problems: list[Problem] = field(default_factory=list)


@dataclass
class Link:
    """A checked association a row asks for."""

    to_type: str
    to_id: int
    label: str


@dataclass
class Work:
    """A row on its way through the batch. Rows that mean the same record share one `record`."""

    row: Row
    values: dict[str, Any] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    record: models.Model | None = None
    status: str = ""

    @property
    def valid(self) -> bool:
        return not self.problems

    def refuse(self, path: str, message: str, value: Any = None, code: str = "invalid") -> None:
        self.problems.append(Problem(path, message, value, code=code))
