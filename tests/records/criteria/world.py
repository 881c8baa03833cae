"""A small world made at random: records with a past, links, events, lists, workflows; in the database and in Python.

What is in the database gets there by ordinary statements, so that the journal is the one the triggers write.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

from django.utils import timezone

from crm.models import Company, Contact, Deal, User
from records.associations import associate, dissociate
from records.happening import Occurrence, happen
from records.lists import keeping, members
from records.models import Change, CustomEventProperty, CustomEventType
from records.object_types import object_types
from tests.records.criteria import deeds
from tests.records.criteria.conftest import CUSTOM_TYPES, OPTIONS, add_custom_properties
from tests.records.criteria.world_oracle import Thing
from workflows.models import Enrollment, Revision, Workflow

MODELS = {"contact": Contact, "company": Company, "deal": Deal}
SIZES = {"contact": 9, "company": 6, "deal": 7}
LABELS = ["", "primary", "Board member"]
#: Days around changes of the clock, the ends of months, quarters and years, and a leap day.
DAYS = [
    "2026-01-01", "2026-03-08", "2026-03-28", "2026-03-29", "2026-03-30", "2026-09-30", "2026-10-01", "2026-10-24",
    "2026-10-25", "2026-10-26", "2026-11-01", "2026-11-20", "2026-12-31", "2027-01-01", "2028-02-29",
]  # fmt: skip
MINUTES = [-841, -721, -60, -1, 0, 1, 59, 60, 120, 599, 600, 719, 839]
TEXTS = ["a", "aB", "Å%_", "b a", "é.(", "ß ñ", "日a", "it's", "A\\b", "bb*"]
NUMBERS = [0, -1, 1, 2, 10, 9, 2.5, 1e6, 0.1]
USERS = ["ann", "bo"]
POOLS: dict[str, list[Any]] = {
    "text": TEXTS, "multi_line": ["a\nb", "Zwei\nZeilen a", "b"],
    "email": ["ann@acme.com", "bo@acme.com", "a.b@bolt.org"],
    "url": ["https://acme.com", "https://bolt.org/a_b", "http://acme.com/%61"],
    "phone": ["+46812345678", "+46800000000", "123 a"],
    "number": NUMBERS, "currency": NUMBERS, "whole": [0, -1, 1, 2, 9, 10],
    "date": DAYS, "boolean": [True, False], "select": list("abcd"),
    "multi_select": [["a"], ["b"], ["a", "b"], ["b", "c", "d"]], "user": USERS,
}  # fmt: skip
#: Columns of the models among the properties, with their types.
COLUMNS = {
    "contact": {"first_name": "text", "lead_score": "whole", "owner": "user"},
    "company": {"name": "text", "annual_revenue": "currency", "owner": "user"},
    "deal": {"name": "text", "amount": "currency", "close_date": "date", "probability": "whole", "owner": "user"},
}
COUNTED = {"contact": "number_of_contacts", "company": "number_of_companies", "deal": "number_of_deals"}
FACTS = ("text", "url", "number", "date", "datetime", "boolean", "select", "multi_select")
EVENTS = {"contact": ["inspected", "weighed"], "deal": ["moved_house"], "company": ["audited"]}
STATUSES = ["active", "completed", "unenrolled", "failed", "refused"]


def types_of(kind: str) -> dict[str, str]:
    """Every property criteria are made about, with its type."""
    custom = {f"{start}_{name}": name for start in ("c", "o") for name in CUSTOM_TYPES}
    return COLUMNS[kind] | custom | dict.fromkeys(COUNTED.values(), "count") | {"created_at": "datetime"}


def moment(chance: random.Random, days: list[str] = DAYS) -> dt.datetime:
    """An instant within hours of a midnight somewhere."""
    day = dt.datetime.fromisoformat(chance.choice(days)).replace(tzinfo=dt.UTC)
    return day + dt.timedelta(minutes=chance.choice(MINUTES))


def value_for(kind: str, chance: random.Random) -> Any:
    """A value as the oracle knows it."""
    if kind == "datetime":
        return moment(chance)
    value = chance.choice(POOLS[kind])
    if kind in ("number", "currency", "whole"):
        return Decimal(str(value))
    return dt.date.fromisoformat(value) if kind == "date" else value


class World:
    """`things` are the records by object type, oldest first."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.users = {name: User.objects.create(username=name).pk for name in USERS}
        self.things: dict[str, list[Thing]] = {}
        self.lists: dict[str, list[str]] = {}
        self.workflows: dict[str, list[str]] = {}
        self.imports: dict[str, list[str]] = {}
        for kind in MODELS:
            add_custom_properties(kind)
        self.define_events()
        for kind in MODELS:
            self.things[kind] = [self.record(kind, number) for number in range(SIZES[kind])]
        self.link()
        for kind in MODELS:
            self.happen(kind)
            self.put_into_lists(kind)
            self.enroll(kind)
        deeds.add(self)
        for things in self.things.values():
            things[-1].deleted = True
            MODELS[things[-1].kind].objects.filter(pk=things[-1].pk).update(deleted_at=timezone.now())

    def record(self, kind: str, number: int) -> Thing:
        """A record that was made once and then changed a few times, with its changes in the past."""
        types = types_of(kind)
        writable = [slug for slug in types if slug != "created_at" and types[slug] != "count"]
        states = [{slug: self.maybe(types[slug]) for slug in writable}]
        for _revision in range(self.chance.randint(0, 3)):
            changed = self.chance.sample(writable, self.chance.randint(1, 12))
            states.append(states[-1] | {slug: self.maybe(types[slug]) for slug in changed})
        made = MODELS[kind](**({"email": f"r{number}@example.org"} if kind == "contact" else {}))
        for state in states:
            self.write(made, state)
            made.save()
        created = moment(self.chance, DAYS[:12])
        MODELS[kind].objects.filter(pk=made.pk).update(created_at=created)
        thing = Thing(kind, types, states[-1] | {"created_at": created}, made.pk)
        thing.history = self.past(thing, states)
        return thing

    def moment_past(self) -> dt.datetime:
        """When something may have happened: after some changes, before others, never after today."""
        return moment(self.chance, DAYS[:11])

    def maybe(self, kind: str) -> Any:
        return None if self.chance.random() < 0.35 else value_for(kind, self.chance)

    def write(self, record: Any, state: dict[str, Any]) -> None:
        props = object_types[record._meta.model_name].properties()
        for slug, value in state.items():
            stored = self.users[value] if props[slug].type == "user" and value is not None else value
            props[slug].write(record, stored)

    def past(self, thing: Thing, states: list[dict[str, Any]]) -> list[Any]:
        """Give the journal's rows of a record times of their own, and say what changed when."""
        moves = []
        for before, after in zip([dict.fromkeys(states[0]), *states], states, strict=False):
            moved = {slug: (before[slug], after[slug]) for slug in after if before[slug] != after[slug]}
            if moved or before is not states[0]:
                moves.append(moved)
        moves = [moves[0], *(moved for moved in moves[1:] if moved)]
        times = sorted({moment(self.chance, DAYS[:12]) for _number in range(40)})
        chosen = sorted(self.chance.sample(times, len(moves)))
        rows = Change.objects.filter(object_type=thing.kind, record_id=thing.pk).order_by("id")
        # The last one is of the date of creation, which no criteria here ask about.
        changes = [row for row in rows if set(row.before or {}) | set(row.after or {}) != {"created_at"}]
        assert len(changes) == len(moves), (changes, moves)
        for change, at in zip(changes, chosen, strict=True):
            Change.objects.filter(pk=change.pk).update(at=at)
        return list(zip(chosen, moves, strict=True))

    def link(self) -> None:
        """Links with and without labels, some of which are removed again."""
        every = [thing for things in self.things.values() for thing in things]
        for _number in range(60):
            one, other = self.chance.sample(every, 2)
            if (one.kind, other.kind) == ("deal", "deal"):
                continue
            label = self.chance.choice(LABELS)
            associate(one.kind, other.kind, [(one.pk, other.pk)], label)
            for here, there in ((one, other), (other, one)):
                here.ever_linked.add(there.kind)
                if (there.kind, there, label) not in here.links:
                    here.links.append((there.kind, there, label))
            if self.chance.random() < 0.25:
                dissociate(one.kind, other.kind, [(one.pk, other.pk)])
                one.links = [link for link in one.links if link[1] is not other]
                other.links = [link for link in other.links if link[1] is not one]

    def define_events(self) -> None:
        for kind, slugs in EVENTS.items():
            for slug in slugs:
                made = CustomEventType.objects.create(slug=slug, label=slug, object_type=kind)
                CustomEventProperty.objects.bulk_create(
                    CustomEventProperty(event_type=made, slug=f"f_{name}", label=name, type=name, options=OPTIONS)
                    for name in FACTS
                )

    def happen(self, kind: str) -> None:
        types = {f"f_{name}": name for name in FACTS} | {"occurred_at": "datetime"}
        for slug in EVENTS[kind]:
            told = []
            for _number in range(14):
                thing, at = self.chance.choice(self.things[kind]), self.moment_past()
                facts = {f"f_{name}": value for name in FACTS if (value := self.maybe(name)) is not None}
                sent = {name: plain(value) for name, value in facts.items()}
                told.append(Occurrence(thing.pk, sent, at))
                thing.events.append((slug, Thing(slug, types, facts | {"occurred_at": at})))
            happen(slug, kind, told, now=timezone.now())

    def put_into_lists(self, kind: str) -> None:
        self.lists[kind] = [f"{kind}-list-{number}" for number in (1, 2)]
        for slug in self.lists[kind]:
            made = keeping.create(object_types[kind], slug, slug=slug, now=timezone.now())
            chosen = [thing for thing in self.things[kind] if self.chance.random() < 0.5]
            members.add(made, [thing.pk for thing in chosen], now=timezone.now())
            for thing in chosen:
                thing.lists.add(slug)

    def enroll(self, kind: str) -> None:
        self.workflows[kind] = []
        for number in (1, 2):
            workflow = Workflow.objects.create(name=f"{kind} {number}", object_type=kind)
            revision = Revision.objects.create(workflow=workflow, number=1, definition={}, rev=0)
            self.workflows[kind].append(str(workflow.pk))
            for thing in self.things[kind]:
                for status in self.chance.sample(STATUSES, self.chance.randint(0, 3)):
                    goal = status in ("unenrolled", "completed") and self.chance.random() < 0.5
                    Enrollment.objects.create(
                        workflow=workflow, revision=revision, record_id=thing.pk, status=status,
                        enrolled_at=timezone.now(), **with_goal(status, goal),
                    )  # fmt: skip
                    thing.journeys.append((str(workflow.pk), status, goal))


def with_goal(status: str, goal: bool) -> dict[str, Any]:
    """A goal is met by leaving, or after the end."""
    if not goal:
        return {}
    return {"ended_reason": "goal_met"} if status == "unenrolled" else {"cause": {"goal_met_at": "2026-01-01"}}


def plain(value: Any) -> Any:
    """A value as JSON."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, dt.date) else value
