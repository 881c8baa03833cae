"""What a draft would change of the live workflow, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from workflows.definitions.definition import Definition, Step

ADDED, CHANGED, MOVED, REMOVED = "added", "changed", "moved", "removed"
#: What belongs to the trigger's card, and to the settings.
DOOR, SETTINGS = ("trigger", "unenroll", "suppress", "goal", "centre"), ("settings", "sources")
#: Where steps stand: the branching and the number of its branch; ("", 0) for those in none.
Place = tuple[str, int]


@dataclass(frozen=True)
class Comparison:
    """`marks` says of the draft's steps, by id, whether they are added, changed or moved; the others are as they were.

    `removed` are the live steps that are gone, in reading order.
    """

    marks: dict[str, str] = field(default_factory=dict)
    removed: tuple[Step, ...] = ()
    trigger: bool = False
    settings: bool = False

    def __bool__(self) -> bool:
        return bool(self.marks or self.removed or self.trigger or self.settings)


def compare(live: Definition, draft: Definition) -> Comparison:
    """The marks of a draft's steps against what is live."""
    kept = live.by_id.keys() & draft.by_id.keys()
    marks = {step.id: ADDED for step in draft.walk() if step.id not in kept}
    marks |= dict.fromkeys(moved(live, draft, kept), MOVED)
    marks |= {step_id: CHANGED for step_id in kept if content(live.by_id[step_id]) != content(draft.by_id[step_id])}
    return Comparison(
        {step.id: marks[step.id] for step in draft.walk() if step.id in marks},
        tuple(step for step in live.walk() if step.id not in kept),
        any(differs(live, draft, key) for key in DOOR),
        any(differs(live, draft, key) for key in SETTINGS),
    )


def differs(live: Definition, draft: Definition, key: str) -> bool:
    return (live.document.get(key) or None) != (draft.document.get(key) or None)


def content(step: Step) -> tuple[Any, ...]:
    """What a step is set to, without the steps in its branches."""
    ways = [(branch.name, branch.criteria, branch.values, branch.percent) for branch in step.branches]
    return step.action, step.params, step.comment, step.retries, step.stops, ways


def moved(live: Definition, draft: Definition, kept: set[str]) -> Iterator[str]:
    """The steps that stand in another branch, or in another order among those that stayed in theirs."""
    before, after = dict(places(live.steps)), dict(places(draft.steps))
    yield from (step_id for step_id in kept if before[step_id] != after[step_id])
    for place in set(after.values()):
        old, new = ([one for one in found if found[one] == place and one in kept] for found in (before, after))
        stayed = set(old) & set(new)
        old, new = [one for one in old if one in stayed], [one for one in new if one in stayed]
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        in_order = {new[block.b + offset] for block in blocks for offset in range(block.size)}
        yield from (one for one in new if one not in in_order)


def places(steps: tuple[Step, ...], place: Place = ("", 0)) -> Iterator[tuple[str, Place]]:
    for step in steps:
        yield step.id, place
        for index, branch in enumerate(step.branches):
            yield from places(branch.steps, (step.id, index))
