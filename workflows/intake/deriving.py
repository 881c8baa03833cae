"""Events that follow from changes of records, derived for a whole batch of changes while they are dispatched.

A meeting is booked when one is associated with a record; whoever writes the rows need not tell of it. What is derived
is recorded like any other event, so it triggers, ends waits, is filtered by and counted. What moves when two records
are merged has not happened anew.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from records import happening
from records.event_types import EventType, event_types
from records.models import Change, PendingChange
from records.object_types import object_types
from workflows.intake.merges import by_merge

#: Begins the keys of derived events, so that timelines tell of the record instead of the event.
DERIVED = "derived:"


@dataclass(frozen=True)
class Derived:
    """One event that follows from a change. `facts` are Python values; `key` makes it happen to a record once."""

    event: str
    object_type: str
    record_id: int
    facts: dict[str, Any]
    key: str
    change: Change


Rule = Callable[[Sequence[Change]], list[Derived]]
#: By object type: what follows from changes of its records, in a constant number of statements.
derivations: dict[str, list[Rule]] = defaultdict(list)


def name_of(rule: Rule) -> str:
    return f"{rule.__module__}.{rule.__qualname__}"


def rules_for(pending: Sequence[PendingChange]) -> dict[tuple[str, str], list[PendingChange]]:
    """The changes that something may follow from, by their object type and the name of the rule."""
    found: dict[tuple[str, str], list[PendingChange]] = defaultdict(list)
    for change in pending:
        if change.object_type in derivations and not by_merge(change):
            for rule in derivations[change.object_type]:
                found[change.object_type, name_of(rule)].append(change)
    return found


def derive(asked: Mapping[tuple[str, str], Sequence[PendingChange]], now: dt.datetime) -> int:
    """Record the events that follow from changes by rules; how many there are. Rules that are gone say nothing."""
    changes = {change.change_id: change.at for some in asked.values() for change in some}
    if not changes:
        return 0
    moments = changes.values()
    rows = Change.objects.filter(pk__in=changes, at__gte=min(moments), at__lte=max(moments)).order_by("pk")
    by_id = {change.pk: change for change in rows}
    groups: dict[tuple[str, str, str], list[Derived]] = defaultdict(list)
    for (slug, name), some in asked.items():
        mine = [by_id[pk] for pk in sorted({change.change_id for change in some}) if pk in by_id]
        for rule in derivations.get(slug, ()) if mine else ():
            for one in rule(mine) if name_of(rule) == name else ():
                cause = json.dumps((one.change.source or {}) | {"depth": one.change.depth}, sort_keys=True)
                groups[one.event, one.object_type, cause].append(one)
    return sum(record(*group, found, now) for group, found in groups.items())


def record(event: str, slug: str, cause: str, found: Sequence[Derived], now: dt.datetime) -> int:
    kind: EventType = event_types[event]
    rows = [
        {
            "place": place, "record_id": one.record_id, "properties": stored(kind, one.facts),
            "occurred_at": one.change.at.isoformat(), "key": f"{DERIVED}{one.key}/{slug}:{one.record_id}",
        }
        for place, one in enumerate(found)
    ]  # fmt: skip
    return len(happening.record(event, object_types[slug], rows, now=now, source=json.loads(cause)).made)


def stored(kind: EventType, facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as events keep them, without the blank ones."""
    known = kind.known_properties()
    return {slug: known[slug].kind.to_storage(value) for slug, value in facts.items() if value not in (None, "")}
