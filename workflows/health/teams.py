"""Teams, where an app has them: workflows notify them without knowing what they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Directory:
    """The teams of an app: internal name and label of each, and the ids of the users who are told for some of them."""

    choices: Callable[[], list[tuple[str, str]]]
    members: Callable[[Collection[str]], Iterable[int]]


#: Whoever has teams adds how to ask for them.
directories: list[Directory] = []


def choices() -> list[tuple[str, str]]:
    return [choice for one in directories for choice in one.choices()]


def members(slugs: Collection[str]) -> set[int]:
    return {pk for one in directories for pk in one.members(slugs)} if slugs else set()
