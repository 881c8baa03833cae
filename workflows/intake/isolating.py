"""Dispatching part by part: what raises an error is set aside alone, and everybody else is seen to.

Usually a round does without: everything is done together, and nothing costs a savepoint. When a round raises, nothing
of it is kept, and it is done again with care: each part behind a savepoint, halved until the part, and of its records
the one, is found for which it raises. So it goes with batches of steps, too (workflows.engine.journey).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from records.models import PendingChange, PendingEvent, Segment
from records.outages import cut_short, outage

DERIVATION, MERGE, DELETION, SUPPRESSION, WAITING, REACTION, LOOKUP, SEGMENT = (
    "derivation", "merge", "deletion", "suppression", "waiting", "reaction", "lookup", "segment",
)  # fmt: skip
#: After so many records for which a part raises alone, it is not tried for the others in this round.
MOST = 10
#: As how many of these a statement counts that took too long: the round cannot wait for many of those.
SLOW = MOST // 2
#: After so many of those nothing else is tried in a round: what is left is set aside, and has its turn soon.
MOST_SLOW = 12


@dataclass(frozen=True)
class Part:
    """Something that dispatching does and that may raise while the rest does not."""

    kind: str
    object_type: str = ""
    #: Which rule of derivation.
    name: str = ""
    segment: int | None = None
    workflow: int | None = None


@dataclass(frozen=True, eq=False)
class Concerned:
    """A record a segment is to look at, with what happened; None: whatever time has changed."""

    record_id: int | None
    causes: list[PendingChange] = field(default_factory=list)


Thing = PendingChange | PendingEvent | Concerned
Work = dict[Part, Sequence[Thing]]
#: By part the records that are set aside already; None: all there are.
Held = Mapping[Part, frozenset[int | None] | None]


@dataclass(frozen=True)
class Aside:
    """What is to be set aside for a part; without an error because it waits already."""

    part: Part
    things: Sequence[Thing]
    error: Exception | None


def part_of(segment: Segment) -> Part:
    return Part(SEGMENT, segment=segment.pk)


class Care:
    """How a round does its parts: together, or (`careful`) so that what raises is found and set aside."""

    def __init__(self, *, careful: bool = False, held: Held | None = None) -> None:
        self.careful, self.held = careful, held or {}
        self.aside: list[Aside] = []
        self.failed: Counter[Part] = Counter()
        self.cut: list[Exception] = []

    @property
    def by_part(self) -> bool:
        """Whether the parts have to be told from one another."""
        return self.careful or bool(self.held)

    def run(self, work: Work, do: Callable[[Work], Any]) -> int:
        """Do some parts for what each concerns; the sum of what `do` has answered where it counts.

        What is set aside already waits its turn behind that.
        """
        work = self.released(work) if self.held else work
        if not work:
            return 0
        return self.attempt(work, do) if self.careful else int(do(work) or 0)

    def released(self, work: Work) -> Work:
        found: Work = {}
        for part, things in work.items():
            if part not in self.held:
                found[part] = things
                continue
            records = self.held[part]
            waiting = [one for one in things if records is None or one.record_id in records]
            if waiting:
                self.aside.append(Aside(part, waiting, None))
            # What is done though nothing has happened (waits that are due for a check) does not wait behind records.
            if len(waiting) < len(things) or (not things and records is not None):
                found[part] = [one for one in things if records is not None and one.record_id not in records]
        return found

    def attempt(self, work: Work, do: Callable[[Work], Any]) -> int:
        if len(self.cut) >= MOST_SLOW:
            self.aside += [Aside(part, things, self.cut[-1]) for part, things in work.items()]
            return 0
        try:
            with transaction.atomic():
                done = int(do(work) or 0)
                # What is checked when a transaction ends would be nobody's fault then.
                connection.check_constraints()
                return done
        except Exception as error:
            if outage(error):
                raise
            self.cut += [error] if cut_short(error) else []
            return sum(self.attempt(half, do) for half in self.halves(work, error))

    def halves(self, work: Work, error: Exception) -> list[Work]:
        """What is to be tried of work that has raised; nothing when it was one thing, which is set aside."""
        if len(work) > 1:
            parts = list(work.items())
            return [dict(parts[: len(parts) // 2]), dict(parts[len(parts) // 2 :])]
        [(part, things)] = work.items()
        if cut_short(error):
            self.failed[part] += SLOW
        if len(things) > 1 and self.failed[part] < MOST:
            middle = len(things) // 2
            return [{part: things[:middle]}, {part: things[middle:]}]
        self.failed[part] += 1
        self.aside.append(Aside(part, things, error))
        return []
