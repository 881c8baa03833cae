"""What belongs to records: moves when they merge, and goes when they are erased; each subject sees to its own."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from dataclasses import dataclass

from records.object_types import ObjectType
from records.registry import Registry

#: Plug-ins in the order in which they move; an app's `movers/__init__.py` loads its files.
movers = Registry("mover")
#: How the journal names the cause of everything a merge changes.
SOURCE = "merge"


@dataclass(frozen=True)
class Merge:
    """One merge: the ids of the record that stays and of the one that goes into it, by whom, and when."""

    object_type: ObjectType
    winner: int
    loser: int
    by: int | None
    now: dt.datetime


class Mover(ABC):
    """One subject that knows of records. `tables` are those it sees to: a test wants each that names records here.

    `hold` takes the locks that everybody else takes before those of the records; `move` runs while both records
    still exist and are locked, in the transaction of the merge; every change it makes has the merge as its source.
    """

    slug: str
    tables: tuple[str, ...] = ()

    def hold(self, merge: Merge) -> None:
        """Lock what others lock before records; nothing, mostly."""
        return

    def tell(self, merge: Merge) -> list[str]:
        """What is going to happen, in whole sentences; [] for nothing."""
        return []

    @abstractmethod
    def move(self, merge: Merge) -> None:
        """Give the winner what the loser has."""

    def erase(self, object_type: ObjectType, ids: list[int]) -> None:
        """Remove what deleted records have left that are erased now (records.saving.erasing).

        What refers to them by a foreign key that cascades goes by itself.
        """
        return
