"""Which values a merged record gets: the winner's, and the loser's where the winner has none, unless somebody says
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from records.object_types import ObjectType
from records.problems import Problem
from records.properties import Property

WINNER, LOSER = "winner", "loser"
SIDES = (WINNER, LOSER)
#: They say what a record is, not what is known of it.
OWN = {"id", "created_at", "updated_at"}


@dataclass(frozen=True)
class Choice:
    """One property with the values of both, and whose is kept unless somebody says otherwise."""

    prop: Property
    winner: Any
    loser: Any

    @property
    def usual(self) -> str:
        return LOSER if self.winner is None else WINNER

    @property
    def differs(self) -> bool:
        return bool(self.winner != self.loser)

    def value(self, side: str) -> Any:
        return self.loser if side == LOSER else self.winner


def choices(object_type: ObjectType, winner: Any, loser: Any) -> list[Choice]:
    """Every property that is stored with a record, in their order."""
    return [
        Choice(prop, prop.read(winner), prop.read(loser))
        for slug, prop in object_type.properties().items()
        if slug not in OWN and prop.calculated is None
    ]


def problems_of(object_type: ObjectType, keep: Mapping[str, str]) -> list[Problem]:
    """What is wrong with somebody's wishes: property slugs, with "winner" or "loser" each."""
    known = [slug for slug, prop in object_type.properties().items() if slug not in OWN and prop.calculated is None]
    found = []
    for slug, side in keep.items():
        if slug not in known:
            message = _("There is no property “%(slug)s” to choose a value of. Use one of: %(known)s.")
            facts = {"slug": slug, "known": ", ".join(known)}
            found.append(Problem(f"keep.{slug}", message % facts, slug, code="unknown_property"))
        elif side not in SIDES:
            message = _("“%(value)s” is no side of a merge. Send “winner” or “loser”.")
            found.append(Problem(f"keep.{slug}", message % {"value": side}, side))
    return found


def chosen(object_type: ObjectType, winner: Any, loser: Any, keep: Mapping[str, str]) -> dict[str, Any]:
    """The values that the winner does not have yet, by property slug."""
    found = choices(object_type, winner, loser)
    return {one.prop.slug: one.loser for one in found if one.differs and keep.get(one.prop.slug, one.usual) == LOSER}
