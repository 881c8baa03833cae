"""Events that follow from changes of records, derived for a whole batch of changes while they are dispatched.

A meeting is booked when one is associated with a record; whoever writes the rows need not tell of it. What is derived
is recorded like any other event, so it triggers, ends waits, is filtered by and counted. What moves when two records
are merged has not happened anew.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
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


#: By object type: what follows from changes of its records, in a constant number of statements.
derivations: dict[str, list[Callable[[Sequence[Change]], list[Derived]]]] = defaultdict(list)


def derive(pending: Sequence[PendingChange], now: dt.datetime) -> int:
    """Record the events that follow from these changes; how many there are. Nothing is asked when none can."""
    asked = [change for change in pending if change.object_type in derivations and not by_merge(change)]
    if not asked:
        return 0
    moments = [change.at for change in asked]
    ids = [change.change_id for change in asked]
    rows = Change.objects.filter(pk__in=ids, at__gte=min(moments), at__lte=max(moments)).order_by("pk")
    by_type: dict[str, list[Change]] = defaultdict(list)
    for change in rows:
        by_type[change.object_type].append(change)
    found = [one for slug, changes in by_type.items() for rule in derivations[slug] for one in rule(changes)]
    groups: dict[tuple[str, str, str], list[Derived]] = defaultdict(list)
    for one in found:
        cause = json.dumps((one.change.source or {}) | {"depth": one.change.depth}, sort_keys=True)
        groups[one.event, one.object_type, cause].append(one)
    return sum(record(*group, some, now) for group, some in groups.items())


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
