"""Criteria of segments as SQL, kept between dispatches: reading and compiling them costs more than running them."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, CharField, QuerySet, Value, When
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from records import criteria, vocabulary
from records.criteria import Compiled, Leaf
from records.models import Segment
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem

KEPT = 1_000
SQL = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Plan:
    """The criteria of a segment for an instant, ready to run."""

    compiled: Compiled

    @cached_property
    def matching(self) -> SQL:
        """A derived table `matching (record_id)` of the records that match."""
        return derived(self.compiled.records().values("pk"), "matching (record_id)")

    @cached_property
    def answers(self) -> SQL:
        """A derived table `answers (record_id, leaves)` of the records that match and the filters they meet."""
        found = self.compiled.records().annotate(leaf_bits=bits(self.compiled.leaves)).values_list("pk", "leaf_bits")
        return derived(found, "answers (record_id, leaves)", "SELECT 0::bigint, ''::text WHERE false")

    def leaves(self, ids: Iterable[int]) -> dict[int, str]:
        """Of the records that match, which filters each meets, as 0 and 1 in the order of the leaves."""
        table, params = self.answers
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT record_id, leaves FROM {table} WHERE record_id = ANY(%s::bigint[])", [*params, list(ids)]
            )
            return dict(cursor.fetchall())


def derived(rows: QuerySet[Any], alias: str, empty: str = "SELECT 0::bigint WHERE false") -> SQL:
    try:
        sql, params = rows.order_by().query.sql_with_params()
    except EmptyResultSet:
        sql, params = empty, ()
    return f"({sql}) AS {alias}", tuple(params)


def bits(leaves: tuple[Leaf, ...]) -> Concat:
    """The leaves' answers as one text in SQL."""
    ones = [Case(When(leaf.q, then=Value("1")), default=Value("0"), output_field=CharField()) for leaf in leaves]
    return Concat(Value(""), *ones, Value(""), output_field=CharField())


@dataclass(frozen=True)
class Kept:
    version: vocabulary.Version
    plan: Plan


kept: OrderedDict[tuple[str, str, str], Kept] = OrderedDict()


def plan_of(segment: Segment, now: dt.datetime, version: vocabulary.Version | None = None) -> Plan:
    """The plan of a segment at an instant; made once per process and `version` of the vocabulary.

    Criteria that time alone can change are read once, too, but made into SQL each time. Raises DocumentError for
    criteria that cannot be read any more.
    """
    version = vocabulary.version() if version is None else version
    key = (segment.object_type, segment.time_zone, json.dumps(segment.criteria))
    found = kept.get(key)
    if found is None or found.version != version:
        kind, zone = place_of(segment)
        compiled = criteria.compile(segment.criteria, kind, now=now, zone=zone, stored=True)
        found = Kept(version, Plan(compiled))
        if compiled.criteria.lasting:
            kept[key] = found
            if len(kept) > KEPT:
                kept.popitem(last=False)
    if found.plan.compiled.dependencies.time_sensitive:
        return Plan(found.plan.compiled.at(now))
    return found.plan


def place_of(segment: Segment) -> tuple[ObjectType, zoneinfo.ZoneInfo]:
    """What a segment's criteria are about, and whose clocks they follow.

    Raises DocumentError where another version of the software, or of the machine's time zones, has no such thing.
    """
    kind = object_types.get(segment.object_type)
    if kind is None:
        message = _("There are no records of the type “%(type)s” any more.") % {"type": segment.object_type}
        raise DocumentError([Problem("object", message, segment.object_type)])
    try:
        return kind, zoneinfo.ZoneInfo(segment.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        message = _("There is no time zone “%(zone)s” any more.") % {"zone": segment.time_zone}
        raise DocumentError([Problem("timezone", message, segment.time_zone)]) from error
