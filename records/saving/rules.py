"""Rules of object types that look at several properties: what follows from what, and what does not go together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from records.object_types import ObjectType
from records.saving.rows import Work

Rule = Callable[[Sequence[Work]], None]

_rules: dict[str, list[Rule]] = defaultdict(list)


def register_rule(object_type: str, rule: Rule) -> None:
    """Let a rule see every batch of an object type before it is written, in order of registration.

    It gets the valid works with the records they mean, still as they were; it may add to `work.values` and refuse.
    """
    _rules[object_type].append(rule)


def apply_rules(object_type: ObjectType, works: Sequence[Work]) -> None:
    """Run the rules of an object type over the valid works of a batch."""
    for rule in _rules[object_type.slug]:
        rule([work for work in works if work.valid and work.record is not None])
