"""Merging on the record pages: another record is searched, and both are compared property by property."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from crm.admin.associating import FOUND, named
from crm.record_links import users_by_id
from records.merging import Merge, Mover, movers
from records.merging.choosing import SIDES, Choice, choices
from records.merging.performing import merge
from records.object_types import ObjectType
from records.property_access import rights_of

#: The names of the radio buttons begin like this.
FIELD = "keep-"
#: Few letters are in every name.
SHORTEST = 2


@dataclass(frozen=True)
class Candidate:
    """A record that could be merged with another one."""

    id: int
    name: str
    detail: str


@dataclass(frozen=True)
class Line:
    """One property of both records, as a row of the comparison. `kept` is the side that is chosen."""

    slug: str
    label: str
    winner: str
    loser: str
    kept: str
    differs: bool

    @property
    def name(self) -> str:
        return f"{FIELD}{self.slug}"


def find(object_type: ObjectType, record_id: int, text: str) -> list[Candidate]:
    """Other records in whose names all the words are; [] for a text that is too short."""
    if len(text.strip()) < SHORTEST:
        return []
    others = object_type.records().filter(named(object_type, text)).exclude(pk=record_id)
    found = others.order_by("-pk")[:FOUND]
    return [Candidate(one.pk, object_type.name_of(one), detail_of(object_type, one)) for one in found]


def detail_of(object_type: ObjectType, record: Any) -> str:
    """What tells records of one name apart."""
    told = str(getattr(record, object_type.name_property, None) or "")
    named = [told] if told and told != object_type.name_of(record) else []
    return " · ".join([*named, _("ID %(id)d") % {"id": record.pk}])


def lines(object_type: ObjectType, winner: Any, loser: Any, sent: Mapping[str, str], user: Any) -> list[Line]:
    """The comparison: what differs first, then what both have alike; what neither has is left out, and what the
    person may not see.
    """
    found = [one for one in choices(object_type, winner, loser) if one.winner is not None or one.loser is not None]
    found = [one for one in found if rights_of(user).may_view(object_type.slug, one.prop.slug)]
    people = users_by_id(
        value for one in found if one.prop.type == "user" for value in (one.winner, one.loser) if value is not None
    )
    shown = [line_of(one, sent, people) for one in found]
    fixed = {one.prop.slug for one in found if not rights_of(user).may_edit(object_type.slug, one.prop.slug)}
    # Nothing to choose where the person may only look: the winner's value stays, or it gets the other's.
    shown = [replace(line, differs=line.differs and line.slug not in fixed) for line in shown]
    return sorted(shown, key=lambda line: not line.differs)


def line_of(choice: Choice, sent: Mapping[str, str], people: Mapping[int, str]) -> Line:
    def told(value: Any) -> str:
        if value is not None and choice.prop.type == "user":
            return people.get(value, _("a deleted user"))
        return choice.prop.display(value)

    slug = choice.prop.slug
    kept = sent.get(f"{FIELD}{slug}")
    return Line(
        slug, str(choice.prop.label), told(choice.winner), told(choice.loser),
        kept if kept in SIDES else choice.usual, choice.differs,
    )  # fmt: skip


def consequences(one: Merge) -> list[str]:
    """Everything else that is going to happen, in sentences."""
    found: list[Mover] = list(movers.values())
    return [sentence for mover in found for sentence in mover.tell(one)]


def perform(one: Merge, by: Any, sent: Mapping[str, str]) -> None:
    """Merge with the values that were chosen on the page. Raises DocumentError."""
    keep = {name.removeprefix(FIELD): side for name, side in sent.items() if name.startswith(FIELD)}
    merge(one.object_type, one.winner, one.loser, now=one.now, by=by, keep=keep)
