"""The event that enrolled a record: what texts and fields of later steps may say of it (DAT-20, WBH-14)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from records.criteria.event_rows import CHANGE_PREFIX
from records.models import Event as EventRow
from records.object_types import ObjectType, object_types
from records.properties import Property
from workflows.definitions.definition import Definition
from workflows.events.known import event_of
from workflows.texts import tokens
from workflows.texts.token_values import Shown, shown_values

if TYPE_CHECKING:
    from workflows.engine.batch import Standing

#: How texts name it: {{ event.amount }}.
SOURCE = "event"
NAMED = re.compile(r"\bevent\.(\w+)")


def items_of(definition: Definition) -> list[dict[str, Any]]:
    """The events of the trigger that are finished enough to be told apart; none for other triggers."""
    items = definition.trigger.document.get("events") if definition.trigger.kind == "event" else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def rows_of(item: dict[str, Any], object_type: ObjectType) -> ObjectType | None:
    """The log an event's occurrences are rows of; None when nothing is told with them."""
    event = event_of(item.get("event"))
    return event.rows(item, object_type) if event is not None else None


def properties_told(definition: Definition) -> dict[str, Property]:
    """What is told with any of the events that enroll, by slug; where several tell the same, the first has the say."""
    found: dict[str, Property] = {}
    for item in items_of(definition):
        rows = rows_of(item, object_types[definition.object])
        for slug, prop in (rows.properties() if rows else {}).items():
            found.setdefault(slug, prop)
    return found


def properties_behind(definition: Definition) -> dict[str, set[str]]:
    """The properties ("object_type.property") whose values are told with the events that enroll, by their names there.

    A changed property is told as “new” and “old”: who writes these into a text tells its values.
    """
    found: dict[str, set[str]] = {}
    for item in items_of(definition):
        rows = rows_of(item, object_types[definition.object])
        if rows is not None and rows.slug.startswith(CHANGE_PREFIX):
            for slug in rows.properties():
                found.setdefault(slug, set()).add(rows.slug.removeprefix(CHANGE_PREFIX))
    return found


def names_told(setting: Any) -> set[str]:
    """What a step's settings say of the event, in texts, formulas and sources: {{ event.new }} → “new”."""
    if isinstance(setting, dict | list):
        parts = setting.values() if isinstance(setting, dict) else setting
        return {name for part in parts for name in names_told(part)}
    if not isinstance(setting, str) or SOURCE not in setting:
        return set()
    return {*tokens.told_slugs(setting), *NAMED.findall(setting)}


def facts_told(
    definition: Definition, enrollments: Iterable[Standing], slugs: Iterable[str]
) -> dict[str, dict[int, tuple[Property, Any]]]:
    """By slug and record id each property and value told with the event that enrolled the record.

    Records that were enrolled otherwise, and events without such a property, are left out. One statement for each
    event of the trigger.
    """
    found: dict[str, dict[int, tuple[Property, Any]]] = {slug: {} for slug in slugs}
    groups: dict[int, dict[int, Standing]] = {}
    items = items_of(definition)
    for one in enrollments:
        place = place_of(one.cause, items)
        if place is not None:
            groups.setdefault(place, {})[int(one.cause.get("event_id") or one.cause["change"])] = one
    for place, by_id in groups.items():
        rows = rows_of(items[place], object_types[definition.object])
        known = {slug: prop for slug, prop in (rows.properties() if rows else {}).items() if slug in found}
        if rows is None or not known:
            continue
        for values in occurrences(rows, known, by_id):
            for slug, prop in known.items():
                found[slug][by_id[values["pk"]].record_id] = prop, blank_or(values[f"fact_{slug}"], prop)
    return found


def place_of(cause: dict[str, Any], items: list[dict[str, Any]]) -> int | None:
    """Which of the trigger's events it was: a later version may have them in another order, or not at all."""
    if cause.get("kind") != "event" or not (cause.get("event_id") or cause.get("change")):
        return None
    item = cause.get("item")
    if isinstance(item, int) and item < len(items) and items[item].get("event") == cause.get("event"):
        return item
    return next((place for place, one in enumerate(items) if one.get("event") == cause.get("event")), None)


def occurrences(rows: ObjectType, known: dict[str, Property], by_id: dict[int, Standing]) -> Iterable[dict[str, Any]]:
    """The rows with their facts. They are found by their instants, too: the log has a partition for each month."""
    moments = [dt.datetime.fromisoformat(one.cause["at"]) for one in by_id.values()]
    at = "occurred_at" if rows.model is EventRow else "at"
    bounds = {f"{at}__gte": min(moments), f"{at}__lte": max(moments)}
    asked = {f"fact_{slug}": prop.expression() for slug, prop in known.items()}
    return rows.model._default_manager.filter(pk__in=list(by_id), **bounds).values("pk", **asked)


def blank_or(value: Any, prop: Property) -> Any:
    return None if value in ("", [], {}) else value


def texts_told(
    definition: Definition, enrollments: Iterable[Standing], slugs: Iterable[str], *, raw: bool
) -> dict[int, dict[str, Shown]]:
    """The same as texts, by record id and then slug; `raw` as the API writes values."""
    texts: dict[int, dict[str, Shown]] = {}
    for slug, facts in facts_told(definition, enrollments, slugs).items():
        for prop in {id(prop): prop for prop, _value in facts.values()}.values():
            values = {pk: value for pk, (own, value) in facts.items() if own is prop}
            for pk, text in shown_values(prop, values, raw=raw).items():
                texts.setdefault(pk, {})[slug] = text
    return texts
