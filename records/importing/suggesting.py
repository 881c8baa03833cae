"""A first plan for a file, from the names of its columns and the look of its values."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from records.associations import associations_of
from records.defining import slug_for
from records.importing.formats import THOUSANDS, as_plain_number, date_format_of, decimal_mark_of
from records.importing.reading import Table
from records.object_types import ObjectType

SAMPLE = 1_000
FEW = 30


def suggest(object_type: ObjectType, table: Table, words: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A plan document for the screen to start with.

    `words` are other names for properties ("sector" → "industry") and for associations ("account" → "company");
    columns that fit nothing are left out, for the person to decide.
    """
    words = words or {}
    known = object_type.properties()
    by_label = {slug_for(str(prop.label)): slug for slug, prop in known.items()}
    links = associations_of(object_type)
    plan: dict[str, Any] = {"columns": {}, "create": {}, "associate": [], "set": {}, "dates": {}, "numbers": {}}
    for header in table.headers:
        name = slug_for(header)
        slug = next((s for s in (name, by_label.get(name), words.get(name)) if s in known), None)
        link = next((s for s in (words.get(name), name, name.removesuffix("_name")) if s in links), None)
        if slug and not known[slug].read_only and slug not in plan["columns"].values():
            plan["columns"][header] = slug
        elif link:
            plan["associate"].append({"column": header, "type": link, "by": links[link].to.name_property})
        elif name.endswith("_id") and is_distinct(table, header):
            plan["create"][header] = {"type": "text", "unique": True}
    add_formats(plan, table, known)
    add_key(plan, object_type, known)
    return {key: value for key, value in plan.items() if value}


def add_formats(plan: dict[str, Any], table: Table, known: Mapping[str, Any]) -> None:
    for header, slug in plan["columns"].items():
        values = list(islice(table.values(header), SAMPLE))
        if known[slug].kind.family == "date" and (found := date_format_of(values)):
            plan["dates"][header] = found.format
        elif known[slug].kind.family == "number":
            plan["numbers"][header] = decimal_mark_of(values).format


def add_key(plan: dict[str, Any], object_type: ObjectType, known: Mapping[str, Any]) -> None:
    """What tells which record a row means, and a name where no column gives one."""
    filled = dict(plan["columns"])
    unique = next((slug for slug in filled.values() if known[slug].unique), None)
    made = next((header for header in plan["create"]), None)
    if unique or made:
        plan["upsert_by"] = unique or slug_for(str(made))
    elif object_type.name_property in filled.values():
        plan["upsert_by"] = object_type.name_property
    name = known.get(object_type.name_property)
    if name is not None and name.required and name.slug not in filled.values():
        key = made or next((header for header, slug in filled.items() if slug == unique), None)
        if key:
            plan["set"][name.slug] = "{" + str(key) + "}"


def is_distinct(table: Table, header: str) -> bool:
    values = list(table.values(header))
    return len(values) == len(table.lines) == len(set(values)) > 0


def guess_type(table: Table, header: str) -> str:
    """The property type the values of a column look like."""
    values = list(islice(table.values(header), SAMPLE))
    if not values:
        return "text"
    if date_format_of(values):
        return "date"
    mark = decimal_mark_of(values).format
    if all(is_number(value, mark) for value in values):
        return "number"
    different = set(values)
    if all("@" in value for value in values):
        return "email"
    if any(len(value) > 200 or "\n" in value for value in values):
        return "multi_line"
    return "select" if len(different) <= FEW and len(different) * 2 <= len(values) else "text"


def is_number(value: str, mark: str) -> bool:
    try:
        float(as_plain_number(value, mark))
    except ValueError:
        return bool(THOUSANDS.match(value))
    return True
