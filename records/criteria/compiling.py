"""Criteria made usable: condition, sentence, leaves, dependencies, counts, samples, explanations."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet

from records.criteria import counting
from records.criteria.dependencies import Dependencies
from records.criteria.explaining import LeafAnswer, explain
from records.criteria.extracting import condition_of
from records.criteria.failing import Missing, missing
from records.criteria.parsing import parse
from records.criteria.scanning import Scan, scan_of
from records.criteria.tree import Context, Criteria, Leaf
from records.object_types import ObjectType


@dataclass(frozen=True)
class Compiled:
    """Criteria for one instant and time zone."""

    criteria: Criteria
    context: Context

    @property
    def object_type(self) -> ObjectType:
        return self.criteria.object_type

    @cached_property
    def q(self) -> Q:
        """The condition on the object type's model; true or false of every record, never NULL."""
        return condition_of(self.criteria.group, self.context)

    @cached_property
    def scan(self) -> Scan:
        """The condition made for looking through all records."""
        return scan_of(self.criteria, self.context)

    @cached_property
    def text(self) -> str:
        """The sentence, with explicit AND and OR, in the active language."""
        return self.criteria.group.text(self.context)

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """Every filter in reading order; an association filter comes before the filters inside it."""
        return tuple(self.criteria.group.leaves(self.context))

    @cached_property
    def dependencies(self) -> Dependencies:
        group = self.criteria.group
        return Dependencies(frozenset(group.dependencies()), group.time_sensitive)

    def at(self, now: dt.datetime) -> Compiled:
        """The same criteria for another instant."""
        return Compiled(self.criteria, Context(now, self.context.zone))

    def records(self) -> QuerySet[Any]:
        """The live records that match."""
        return self.object_type.records().filter(self.q)

    def count(self, exact: bool = True) -> int:
        """How many records match; with `exact=False` an estimate where counting would take long."""
        return counting.count(self.scan) if exact else self.match_count().number

    def match_count(self, *, exact: bool = False) -> counting.MatchCount:
        """How many records match, within a moment: exact where that is cheap, else about; `exact` takes its time."""
        return counting.match_count(self.scan, exact=exact)

    def samples(self, limit: int = 5) -> list[tuple[int, str]]:
        """Id and name of a few matching records, newest first."""
        with counting.tuned(counting.EXACT_MS):
            found = list(self.records().order_by("-pk")[:limit])
        return [(record.pk, self.object_type.name_of(record)) for record in found]

    def missing(self, record_id: int) -> list[Missing]:
        """The filters because of which a record does not match, with the values they see; [] where it matches."""
        answers = {answer.path: answer for answer in self.explain([record_id]).get(record_id, [])}
        return missing(self.criteria.group, answers) if answers else []

    def explain(self, record_ids: Iterable[int]) -> dict[int, list[LeafAnswer]]:
        """For each record that exists, every leaf in order: whether it is met, and the value now."""
        return explain(self.object_type, self.leaves, record_ids)


def compile(  # named as in the package's documentation: criteria.compile(...)
    document: Any,
    object_type: ObjectType,
    *,
    now: dt.datetime,
    zone: str | zoneinfo.ZoneInfo = "UTC",
    stored: bool = False,
) -> Compiled:
    """Parse criteria and make them usable at an instant in a time zone.

    `stored` is for documents accepted before: options and users that have gone since match nothing instead of being
    an error. Raises DocumentError listing every problem.
    """
    zone = zoneinfo.ZoneInfo(zone) if isinstance(zone, str) else zone
    return Compiled(parse(document, object_type, stored=stored), Context(now, zone))
