"""The naive evaluator for whole worlds: associations, history, events, lists and workflows on plain Python objects.

Written from the specification alone: nothing of what it says is computed by the product.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.records.criteria.oracle import NEGATIVES, Oracle

Test = Callable[["Thing"], bool]
Reading = Callable[["WorldOracle", dict[str, Any], "Thing"], bool]
JOINS = ("all", "any", "none", "not_all")
EVER = {
    "been_equal_to_any_of": "is_equal_to_any_of", "contained": "contains_any_of", "been_equal_to": "is_equal_to",
    "been": "is", "been_any_of": "is_any_of", "been_exactly": "is_exactly", "contained_all": "contains_all",
}  # fmt: skip
LENGTHS = {"hours": 3_600_000, "minutes": 60_000, "seconds": 1_000, "milliseconds": 1}


@dataclass(eq=False)
class Thing:
    """A record, or an occurrence of an event, as a person would write it down."""

    kind: str
    types: dict[str, str]
    values: dict[str, Any]
    pk: int = 0
    deleted: bool = False
    #: When which properties changed: (instant, {slug: (before, after)}), oldest first.
    history: list[tuple[dt.datetime, dict[str, tuple[Any, Any]]]] = field(default_factory=list)
    #: (association, other record, label)
    links: list[tuple[str, Thing, str]] = field(default_factory=list)
    ever_linked: set[str] = field(default_factory=set)
    events: list[tuple[str, Thing]] = field(default_factory=list)
    lists: set[str] = field(default_factory=set)
    #: (workflow, status, whether the goal was met)
    journeys: list[tuple[str, str, bool]] = field(default_factory=list)
    #: The imports that have added it; what a contact wants of each subscription type.
    imports: set[str] = field(default_factory=set)
    subscriptions: dict[str, str] = field(default_factory=dict)

    def value(self, slug: str) -> Any:
        if not slug.startswith("number_of_"):
            return self.values.get(slug)
        kind = {"number_of_contacts": "contact", "number_of_companies": "company", "number_of_deals": "deal"}[slug]
        live = {other.pk for association, other, _label in self.links if association == kind and not other.deleted}
        return Decimal(len(live)) if kind in self.ever_linked else None

    def changes(self, slug: str) -> list[tuple[dt.datetime, Any, Any]]:
        return [(at, *moved[slug]) for at, moved in self.history if slug in moved]


class WorldOracle(Oracle):
    """`more` reads further kinds of filters, by their keys."""

    def __init__(
        self, now: dt.datetime, zone: str, blanks_match_negatives: bool, more: dict[str, Reading] | None = None
    ) -> None:
        super().__init__(now, zone)
        self.blanks = blanks_match_negatives
        known = {"event": WorldOracle.by_event, "list": WorldOracle.by_list, "workflow": WorldOracle.by_workflow}
        self.readings: dict[str, Reading] = {**known, **(more or {})}

    def test(self, document: dict[str, Any]) -> Test:
        """Whether a record passes a group or a filter."""
        if "association" in document:
            inner = self.test({join: document[join] for join in JOINS if join in document})
            return lambda thing: any(inner(other) for other in self.linked(document, thing))
        if "property" in document:
            zone = document.get("time_zone")
            reader = WorldOracle(self.now, zone, self.blanks) if zone else self
            return lambda thing: reader.by_property(document, thing)
        for key, reading in self.readings.items():
            if key in document:
                return lambda thing, reading=reading: reading(self, document, thing)
        ((join, parts),) = document.items()
        tests = [self.test(part) for part in parts]
        judge = {
            "all": lambda answers: all(answers), "any": lambda answers: any(answers),
            "none": lambda answers: not any(answers), "not_all": lambda answers: not all(answers),
        }[join]  # fmt: skip
        return lambda thing: judge([test(thing) for test in tests])

    def leaves(self, document: dict[str, Any]) -> list[Test]:
        """Every filter in reading order; one inside an association asks whether any associated record meets it."""
        if "association" in document:
            group = {join: document[join] for join in JOINS if join in document}
            return [self.test(document), *(self.somebody(document, leaf) for leaf in self.leaves(group))]
        if {"property", *self.readings} & set(document):
            return [self.test(document)]
        return [leaf for parts in document.values() for part in parts for leaf in self.leaves(part)]

    def somebody(self, document: dict[str, Any], leaf: Test) -> Test:
        return lambda thing: any(leaf(other) for other in self.linked(document, thing))

    def linked(self, document: dict[str, Any], thing: Thing) -> list[Thing]:
        asked = document.get("label") or []
        labels = [asked] if isinstance(asked, str) else asked
        return [
            other
            for association, other, label in thing.links
            if association == document["association"] and not other.deleted and (not labels or label in labels)
        ]

    def by_list(self, document: dict[str, Any], thing: Thing) -> bool:
        return (document["list"] in thing.lists) == (document["operator"] == "is_member")

    def by_workflow(self, document: dict[str, Any], thing: Thing) -> bool:
        asked, name = document["workflow"], document["operator"]
        mine = [(status, goal) for workflow, status, goal in thing.journeys if asked in ("any", workflow)]
        meanings = {
            "enrolled": lambda status, goal: status == "active",
            "been_enrolled": lambda status, goal: status != "refused",
            "completed": lambda status, goal: status == "completed",
            "unenrolled": lambda status, goal: status == "unenrolled",
            "goal": lambda status, goal: goal,
        }
        wanted = next(key for key in ("been_enrolled", "completed", "unenrolled", "enrolled", "goal") if key in name)
        negative = "_not_" in name or "_never_" in name
        wanted = "been_enrolled" if name == "has_never_been_enrolled" else wanted
        return any(meanings[wanted](*one) for one in mine) != negative

    def by_event(self, document: dict[str, Any], thing: Thing) -> bool:
        occurred = [facts for event, facts in thing.events if event == document["event"]]
        return self.often_enough(document, occurred) != (document["operator"] == "has_not_occurred")

    def often_enough(self, document: dict[str, Any], occurred: list[Thing]) -> bool:
        """Of what was fetched: prune by time, filter, count (FLT-45)."""
        refine = document.get("refine") or {}
        pruned = [facts for facts in occurred if self.in_time(refine, facts.values["occurred_at"])]
        tests = [self.test(part) for part in document.get("where") or []]
        times = sum(all(test(facts) for test in tests) for facts in pruned)
        counts = refine.get("count") or {}
        low = counts.get("at_least", 0 if counts.get("at_most") == 0 else 1)
        return low <= times <= counts.get("at_most", times)

    def in_time(self, refine: dict[str, Any], at: dt.datetime) -> bool:
        if "within" in refine:
            return at >= self.now - dt.timedelta(hours=24 * refine["within"]["days"])
        if "before" in refine:
            return self.place(at, refine["before"]) < 0
        if "after" in refine:
            return self.place(at, refine["after"]) > 0
        if "between" in refine:
            ends = refine["between"]
            return self.place(at, ends["from"]) >= 0 and self.place(at, ends["to"]) <= 0
        return True

    def by_property(self, leaf: dict[str, Any], thing: Thing) -> bool:
        slug, name = leaf["property"], leaf["operator"]
        value, changes = thing.value(slug), thing.changes(slug)
        blank = value is None
        if name in ("is_known", "is_unknown"):
            return blank == (name == "is_unknown")
        if name in ("is_blank", "is_not_blank"):
            had = any(one is not None for _at, *both in changes for one in both)
            return (blank and had) == (name == "is_blank")
        if "updated" in name:
            return self.by_last_change(leaf, thing, changes[-1][0] if changes else None)
        ever = name.startswith(("has_ever_", "has_never_"))
        positive = EVER[name.split("_", 2)[2]] if ever else NEGATIVES.get(name, name)
        negative = name.startswith("has_never_") or name in NEGATIVES
        seen = [value, *(one for _at, *both in changes for one in both)] if ever else [value]
        self.types, self.thing = thing.types, thing
        met = any(self.passes(positive, one, leaf, thing) for one in seen if one is not None)
        include_blank = leaf.get("include_blank", negative and self.blanks)
        if negative:
            return not met and (include_blank or not blank)
        return met or (include_blank and blank)

    def passes(self, name: str, value: Any, leaf: dict[str, Any], thing: Thing) -> bool:
        if name == "is":
            return value == leaf["value"]
        return self.met(name, value, leaf, {slug: thing.value(slug) for slug in thing.types})

    def met(self, name: str, value: Any, leaf: dict[str, Any], record: dict[str, Any]) -> bool:
        if isinstance(value, bool) and not name.endswith("_property"):
            return value == (name == "is_true")
        if isinstance(value, str) and name == "is_any_of":
            return value in leaf["value"]
        return super().met(name, value, leaf, record)

    def with_property(self, name: str, value: Any, other: Any, leaf: dict[str, Any]) -> bool:
        if other is None and leaf.get("default") is None:
            return False
        if isinstance(value, bool) or not isinstance(value, dt.date):
            return super().with_property(name, value, other, leaf)
        as_days = "date" in (self.types[leaf["property"]], self.types[leaf["other"]])
        if other is None:
            day, instant = self.read(leaf["default"])
            other = day if as_days else (instant or self.midnight(day))
        mine, theirs = (self.day(value), self.day(other)) if as_days else (value, other)
        return mine > theirs if name == "is_after_property" else mine < theirs

    def by_last_change(self, leaf: dict[str, Any], thing: Thing, last: dt.datetime | None) -> bool:
        name = leaf["operator"]
        if name in ("updated_in_last_days", "not_updated_in_last_days"):
            recent = last is not None and last >= self.now - dt.timedelta(hours=24 * leaf["value"])
            return recent == (name == "updated_in_last_days")
        if last is None:
            return False
        if name.endswith("_property"):
            others = thing.changes(leaf["other"])
            if not others:
                return False
            return last < others[-1][0] if name == "updated_before_property" else last > others[-1][0]
        if name == "updated_between":
            return self.place(last, leaf["from"]) >= 0 and self.place(last, leaf["to"]) <= 0
        where = self.place(last, leaf["value"])
        return where < 0 if name == "updated_before" else where > 0

    def place(self, value: dt.date, raw: Any) -> int:
        """Before the point (-1), within it (0) or after it (1)."""
        day, instant = self.read(raw)
        if isinstance(value, dt.datetime) and instant is not None:
            return (value > instant) - (value < instant)
        return (self.day(value) > day) - (self.day(value) < day)

    def read(self, raw: Any) -> tuple[dt.date, dt.datetime | None]:
        """The local day of a point, and its instant if it is one."""
        if isinstance(raw, str) and len(raw) == 10:
            return dt.date.fromisoformat(raw), None
        if isinstance(raw, str):
            instant = dt.datetime.fromisoformat(raw)
            return self.day(instant), instant
        anchor, offset, unit = raw["relative_to"], raw.get("offset", 0), raw.get("unit", "days")
        first = self.first_of(anchor)
        if anchor != "now" and unit not in LENGTHS:
            return self.moved(first, offset, unit), None
        if unit in LENGTHS:
            begin = self.now if anchor == "now" else self.midnight(first)
            instant = begin + dt.timedelta(milliseconds=offset * LENGTHS[unit])
        elif not offset:
            instant = self.now
        else:
            wall = self.now.astimezone(self.zone)
            time = wall.time().replace(fold=0)
            instant = dt.datetime.combine(self.moved(wall.date(), offset, unit), time, self.zone).astimezone(dt.UTC)
        return self.day(instant), instant

    def first_of(self, anchor: str) -> dt.date:
        """Back from today, a day at a time, until it is the first one of what it should be."""
        day, one = self.today, dt.timedelta(days=1)
        first = {
            "week": lambda: day.strftime("%a") == "Mon", "month": lambda: day.day == 1,
            "quarter": lambda: (day.day, day.month % 3) == (1, 1), "year": lambda: (day.day, day.month) == (1, 1),
        }.get(anchor, lambda: True)  # fmt: skip
        while not first():
            day -= one
        return day

    def moved(self, day: dt.date, offset: int, unit: str) -> dt.date:
        if unit in ("days", "weeks"):
            return day + dt.timedelta(days=offset * (7 if unit == "weeks" else 1))
        year, month = day.year, day.month
        for _step in range(abs(offset) * {"months": 1, "quarters": 3, "years": 12}[unit]):
            month += 1 if offset > 0 else -1
            if month in (0, 13):
                year, month = (year - 1, 12) if month == 0 else (year + 1, 1)
        for number in range(day.day, 27, -1):
            try:
                return dt.date(year, month, number)
            except ValueError:
                continue
        return dt.date(year, month, day.day)

    def date(self, name: str, value: dt.date, leaf: dict[str, Any]) -> bool:
        if name == "is_between":
            low, high = self.place(value, leaf["from"]), self.place(value, leaf["to"])
            after = low >= 0 if leaf.get("include_from", True) else low > 0
            return after and (high <= 0 if leaf.get("include_to", True) else high < 0)
        if name == "is_equal_to":
            return self.day(value) == self.read(leaf["value"])[0]
        if name in ("is_before", "is_after"):
            return self.place(value, leaf["value"]) == (-1 if name == "is_before" else 1)
        if name == "is_in_calendar_period":
            return self.in_fiscal_period(self.day(value), leaf["value"], leaf.get("first_month", 1))
        return super().date(name, value, leaf)

    def in_fiscal_period(self, day: dt.date, period: str, first_month: int) -> bool:
        which, _underscore, length = period.partition("_")
        if length not in ("quarter", "year") or first_month == 1:
            return self.in_period(day, period)
        size = {"quarter": 3, "year": 12}[length]

        def number(one_day: dt.date) -> int:
            return (one_day.year * 12 + one_day.month - first_month) // size

        return number(day) == number(self.today) + {"last": -1, "this": 0, "next": 1}[which]
