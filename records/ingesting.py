"""Ingesting: occurrences other systems send, about records they name by id or by a unique property."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from records.event_types import event_type
from records.happening import Occurrence, check, record, type_problem
from records.merging.remembering import merged_into
from records.object_types import ObjectType, object_types
from records.problems import DocumentError, Problem
from records.properties import Property
from records.saving.matching import holders, stored_key

RECORDED, REPEATED, INVALID = "recorded", "repeated", "invalid"


@dataclass(frozen=True)
class Sent:
    """One occurrence as it was sent. `record` is an id, or {unique property: value}."""

    event: str
    object: str
    record: int | Mapping[str, Any]
    properties: Mapping[str, Any]
    occurred_at: dt.datetime | None = None
    key: str | None = None


@dataclass(frozen=True)
class Ingested:
    """What became of one: recorded (with the event's id), repeated (its id was sent before), or invalid."""

    status: str
    id: int | None = None
    problems: tuple[Problem, ...] = ()


def ingest(sent: Sequence[Sent], *, now: dt.datetime, partial: bool = False) -> list[Ingested]:
    """Record occurrences, all or, with `partial`, those that are valid; what became of each, in their order.

    Raises DocumentError, with paths that begin with the place of the occurrence, and then nothing was recorded. The
    number of statements grows with the kinds of events sent, not with the occurrences.
    """
    results: dict[int, Ingested] = {}
    groups: dict[tuple[str, str], list[int]] = {}
    for place, one in enumerate(sent):
        groups.setdefault((one.event, one.object), []).append(place)
    with transaction.atomic():
        good = []
        for (event, slug), places in groups.items():
            kind = object_types.get(slug)
            rows, problems = prepared(event, kind, {place: sent[place] for place in places}, now) if kind else ({}, {})
            if kind is None:
                problems = {place: [unknown_object(slug)] for place in places}
            results |= {place: Ingested(INVALID, problems=tuple(found)) for place, found in problems.items()}
            good.append((event, kind, rows))
        if results and not partial:
            raise DocumentError(
                problem.at(str(place)) for place in sorted(results) for problem in results[place].problems
            )
        for event, kind, rows in good:
            if kind is not None:
                results |= recorded(event, kind, rows, sent, now)
        gone = [place for place, one in results.items() if one.status == INVALID]
        if gone and not partial:
            raise DocumentError(
                problem.at(str(place)) for place in sorted(gone) for problem in results[place].problems
            )
    return [results[place] for place in range(len(sent))]


def prepared(
    event: str, kind: ObjectType, sent: Mapping[int, Sent], now: dt.datetime
) -> tuple[dict[int, dict[str, Any]], dict[int, list[Problem]]]:
    """The rows to record and what is wrong with the others, by place."""
    wrong = type_problem(event, event_type(event), kind)
    if wrong is not None:
        return {}, {place: [wrong] for place in sent}
    ids, problems = found_records(kind, sent)
    places = list(sent)
    occurrences = [
        Occurrence(ids.get(place, 0), one.properties, one.occurred_at, one.key) for place, one in sent.items()
    ]
    checked, faults = check(event, kind, occurrences, now=now)
    for index, found in faults.items():
        problems.setdefault(places[index], []).extend(found)
    rows = {places[index]: row | {"place": places[index]} for index, row in checked.items()}
    return {place: row for place, row in rows.items() if place not in problems}, problems


def recorded(
    event: str, kind: ObjectType, rows: Mapping[int, dict[str, Any]], sent: Sequence[Sent], now: dt.datetime
) -> dict[int, Ingested]:
    done = record(event, kind, list(rows.values()), now=now)
    found = {place: Ingested(RECORDED, event_id) for place, event_id in done.made.items()}
    found |= dict.fromkeys(done.repeated, Ingested(REPEATED))
    return found | {
        place: Ingested(INVALID, problems=(unknown_record(kind, sent[place].record),)) for place in done.unknown
    }


def found_records(kind: ObjectType, sent: Mapping[int, Sent]) -> tuple[dict[int, int], dict[int, list[Problem]]]:
    """The id of the record each occurrence names, and those that name none. One statement per way of naming."""
    ids: dict[int, int] = {}
    problems: dict[int, list[Problem]] = {}
    named: dict[str, dict[int, Any]] = {}
    given = {place: one.record for place, one in sent.items() if isinstance(one.record, int)}
    existing = set(kind.records().filter(pk__in=set(given.values())).values_list("pk", flat=True)) if given else set()
    ids |= {place: pk for place, pk in given.items() if pk in existing}
    # What happens to a record that was merged happens to the one it has gone into.
    gone = set(given.values()) - existing
    into = merged_into(kind, gone) if gone else {}
    living = set(kind.records().filter(pk__in=into.values()).values_list("pk", flat=True)) if into else set()
    ids |= {place: into[pk] for place, pk in given.items() if into.get(pk) in living}
    known = kind.properties()
    for place, one in sent.items():
        if not isinstance(one.record, int):
            ((slug, value),) = one.record.items()
            try:
                prop = unique_property(kind, known, slug)
                named.setdefault(slug, {})[place] = prop.clean(value)
            except ValueError as error:
                problems[place] = [Problem(f"record.{slug}", str(error), value)]
    for slug, values in named.items():
        there = {place: stored_key(known[slug], value) for place, value in values.items() if value is not None}
        by_key = holders(kind, known[slug], [value for value in values.values() if value is not None])
        ids |= {place: by_key[key][0] for place, key in there.items() if by_key.get(key)}
    for place, one in sent.items():
        if place not in ids and place not in problems:
            problems[place] = [unknown_record(kind, one.record)]
    return ids, problems


def unique_property(kind: ObjectType, known: Mapping[str, Property], slug: str) -> Property:
    """The property that names one record; ValueError when it is not unique."""
    prop = known.get(slug)
    if prop is not None and prop.unique and prop.calculated is None:
        return prop
    usable = ", ".join(one.slug for one in known.values() if one.unique)
    message = _("“%(slug)s” does not name one of the %(records)s. Send the id, or one of: %(usable)s.")
    raise ValueError(message % {"slug": slug, "records": kind.label_plural, "usable": usable})


def unknown_record(kind: ObjectType, named: int | Mapping[str, Any]) -> Problem:
    path, value = ("record", named) if isinstance(named, int) else next((f"record.{s}", v) for s, v in named.items())
    message = _("There is no %(record)s %(value)r. Create it first: what happened to nobody is not recorded.")
    return Problem(path, message % {"record": kind.label, "value": value}, value, code="not_found")


def unknown_object(slug: str) -> Problem:
    message = _("There is no object type %(value)r. Use one of: %(known)s.")
    return Problem("object", message % {"value": slug, "known": ", ".join(object_types)}, slug)
