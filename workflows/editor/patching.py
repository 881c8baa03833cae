"""What has changed on a canvas since somebody's browser drew it, in as few words as it takes.

A patch lists the pieces in reading order. What is new or says something else comes as HTML; of the rest it is told
which of the browser's items they are, in runs that have moved alike: by how far, by how much their numbers have grown,
and how their paths read now.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.editor.card_words import where
from workflows.editor.pieces import Drawn, Mark, Seen

#: The path of the list of steps or branches something stood in, of the one it stands in, and what its place grew by.
Rule = tuple[str, str, int]


@dataclass
class Run:
    """Items of the browser that follow each other and change alike; `number` and `rule` None: no matter which.

    `moved` are those that change places with others in the list.
    """

    first: int
    count: int
    moved: bool
    x: int
    y: int
    number: int | None = None
    rule: Rule | None = None

    def takes(self, index: int, moved: bool, old: Mark, new: Mark) -> bool:
        """Whether the item is the next one of the run; then it is part of it."""
        if index != self.first + self.count or moved != self.moved:
            return False
        if (new.x - old.x, new.y - old.y) != (self.x, self.y):
            return False
        grown, number = new.number - old.number, self.number
        if new.number and number not in (None, grown):
            return False
        if new.path and self.rule is not None and ruled(self.rule, old.path) != new.path:
            return False
        self.number = grown if new.number else number
        self.rule = rule_of(old.path, new.path) if new.path and self.rule is None else self.rule
        self.count += 1
        return True

    def as_json(self) -> dict[str, Any]:
        """What is not as it was."""
        facts: dict[str, Any] = {"first": self.first, "count": self.count}
        facts |= {key: value for key in ("x", "y", "number", "moved") if (value := getattr(self, key))}
        if self.rule is not None and (self.rule[0] != self.rule[1] or self.rule[2]):
            facts["path"] = self.rule
        return facts


def patch(seen: Seen, now: Drawn) -> dict[str, Any]:
    """What makes the canvas `now` out of the one a browser shows; lines only where they are others."""
    found: dict[str, Any] = {"parts": parts(seen.marks, now), "total": now.total, "where": where()}
    return found if now.seen.lines == seen.lines else {**found, "lines": now.lines}


def parts(shown: Sequence[Mark], now: Drawn) -> list[dict[str, Any] | str]:
    """Pieces as HTML and runs of items that stay, in reading order."""
    places = {mark.key: index for index, mark in enumerate(shown)}
    kept = [same(mark, places.pop(mark.key, None), shown) for mark in now.seen.marks]
    staying = rising(index for index in kept if index is not None)
    found: list[Run | str] = []
    total = str(now.total)
    for piece, mark, index in zip(now.pieces, now.seen.marks, kept, strict=True):
        if index is None:
            found.append(piece.html(total))
            continue
        old, moved, last = shown[index], index not in staying, found[-1] if found else None
        if isinstance(last, Run) and last.takes(index, moved, old, mark):
            continue
        run = Run(index, 0, moved, mark.x - old.x, mark.y - old.y)
        run.takes(index, moved, old, mark)
        found.append(run)
    return [part.as_json() if isinstance(part, Run) else part for part in found]


def same(mark: Mark, index: int | None, shown: Sequence[Mark]) -> int | None:
    """The browser's item that can stay, as it looks alike and is told about alike."""
    if index is None:
        return None
    old = shown[index]
    alike = (old.face, old.width, bool(old.number), bool(old.path))
    return index if alike == (mark.face, mark.width, bool(mark.number), bool(mark.path)) else None


def rule_of(old: str, new: str) -> Rule:
    """How a path became another: paths are lists' names and places in them, by turns."""
    before, after = old.split("."), new.split(".")
    alike, most = 0, min(len(before), len(after)) - 2
    while alike < most and before[-1 - alike] == after[-1 - alike]:
        alike += 1
    before, after = before[: len(before) - alike], after[: len(after) - alike]
    return ".".join(before[:-1]), ".".join(after[:-1]), int(after[-1]) - int(before[-1])


def ruled(rule: Rule, path: str) -> str:
    """A path by a rule; one the rule is not about stays."""
    begin, to, grown = rule
    if not path.startswith(f"{begin}."):
        return path
    place, dot, rest = path[len(begin) + 1 :].partition(".")
    return f"{to}.{int(place) + grown}{dot}{rest}"


def rising(indices: Iterable[int]) -> set[int]:
    """The most that can be left standing: a longest rising part of the indices."""
    ends: list[int] = []
    chains: list[tuple[int, Any]] = []
    for index in indices:
        at = bisect_left(ends, index)
        chain = (index, chains[at - 1] if at else None)
        ends[at : at + 1], chains[at : at + 1] = [index], [chain]
    found, link = set(), chains[-1] if chains else None
    while link is not None:
        found.add(link[0])
        link = link[1]
    return found
