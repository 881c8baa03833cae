"""What an import makes of a file: which column becomes what. One JSON document for command, screen and API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from records.associations import associations_of
from records.defining import slug_for
from records.importing.formats import DATE_ORDERS, NUMBER_LABELS
from records.object_types import ObjectType
from records.problems import DocumentError, Problem
from records.property_types import property_types

KEYS = {"columns", "create", "upsert_by", "associate", "set", "set_existing", "empty", "dates", "numbers"}
EMPTY = ("keep", "clear")
#: As records.models.property_definition has it.
SLUG = re.compile(r"[a-z][a-z0-9_]{0,62}")
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class NewProperty:
    """A custom property to make (or to add options to) from a column."""

    column: str
    slug: str
    label: str
    type: str
    unique: bool = False


@dataclass(frozen=True)
class Linking:
    """A column whose values name records of another object type."""

    column: str
    type: str
    by: str
    create: bool = False
    label: str = ""


@dataclass(frozen=True)
class Plan:
    """A checked plan. `columns` maps file columns to property slugs, those to be created included.

    `set` are templates for properties no column fills; they are for new records, unless `set_existing`. `clear`: an
    empty cell empties the property; else it leaves alone what a record has.
    """

    columns: dict[str, str] = field(default_factory=dict)
    create: list[NewProperty] = field(default_factory=list)
    upsert_by: str | None = None
    associate: list[Linking] = field(default_factory=list)
    set: dict[str, str] = field(default_factory=dict)
    set_existing: bool = False
    clear: bool = False
    dates: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)


class Reader:
    """Reads a plan document against a file's headers and an object type, collecting problems."""

    def __init__(self, document: Any, headers: list[str], object_type: ObjectType) -> None:
        self.document = document if isinstance(document, dict) else {}
        self.headers = headers
        self.object_type = object_type
        self.known = object_type.properties()
        self.problems: list[Problem] = []
        if not isinstance(document, dict):
            self.refuse("", _("An import plan is a JSON object."))
        for key in self.document:
            if key not in KEYS:
                message = _("“%(key)s” is not known here. Use: %(known)s.")
                self.refuse(key, message % {"key": key, "known": ", ".join(sorted(KEYS))})

    def refuse(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def section(self, key: str) -> dict[str, Any]:
        value = self.document.get(key) or {}
        if not isinstance(value, dict):
            self.refuse(key, _("“%(key)s” is a JSON object.") % {"key": key})
            return {}
        return value

    def has_column(self, path: str, column: Any) -> bool:
        if isinstance(column, str) and column in self.headers:
            return True
        message = _("The file has no column “%(column)s”. Its columns are: %(known)s.")
        self.refuse(path, message % {"column": column, "known": ", ".join(self.headers)})
        return False

    def create(self) -> list[NewProperty]:
        made: list[NewProperty] = []
        for column, facts in self.section("create").items():
            facts = {"type": facts} if isinstance(facts, str) else facts
            path = f"create.{column}"
            kind = str(facts.get("type", "text")) if isinstance(facts, dict) else ""
            if kind not in property_types or not self.has_column(path, column):
                if kind not in property_types:
                    message = _("There is no property type %(value)r. Use one of: %(known)s.")
                    self.refuse(f"{path}.type", message % {"value": kind, "known": ", ".join(property_types)})
                continue
            slug = str(facts.get("slug") or slug_for(column))
            label = str(facts.get("label") or column.replace("_", " ").strip().capitalize())[:100]
            if not SLUG.fullmatch(slug) or slug in [one.slug for one in made]:
                message = _("“%(slug)s” cannot be the internal name of this column. Name it with “slug”: a–z, 0–9, _.")
                self.refuse(f"{path}.slug", message % {"slug": slug[:100]})
                continue
            existing = self.known.get(slug)
            if existing is not None and not existing.custom:
                message = _("%(type)s already have a property “%(slug)s”. Map the column to it instead.")
                self.refuse(path, message % {"type": self.object_type.label_plural, "slug": slug})
            elif existing is not None and existing.type != kind:
                message = _("“%(slug)s” exists already as “%(type)s”. Map the column to it instead.")
                self.refuse(path, message % {"slug": slug, "type": existing.kind.label})
            made.append(NewProperty(column, slug, label, kind, bool(facts.get("unique", False))))
        return made

    def columns(self, create: list[NewProperty]) -> dict[str, str]:
        columns: dict[str, str] = {}
        new = {one.slug for one in create}
        for column, slug in self.section("columns").items():
            path = f"columns.{column}"
            if not slug or not self.has_column(path, column):
                continue
            self.check_property(path, slug, new)
            slug = str(slug)
            if slug in columns.values() or slug in [one.slug for one in create if one.column != column]:
                message = _("Two columns fill “%(slug)s”. Choose one of them.")
                self.refuse(path, message % {"slug": slug})
            columns[column] = slug
        return columns | {one.column: one.slug for one in create}

    def check_property(self, path: str, slug: Any, new: set[str]) -> None:
        prop = self.known.get(slug) if isinstance(slug, str) else None
        if prop is None and str(slug) not in new:
            message = _("There is no property “%(slug)s” of %(type)s. Create it, or choose another.")
            self.refuse(path, message % {"slug": slug, "type": self.object_type.label_plural})
        elif prop is not None and prop.read_only:
            self.refuse(path, _("%(property)s cannot be changed. Choose another.") % {"property": prop.label})

    def associate(self) -> list[Linking]:
        found = []
        allowed = associations_of(self.object_type)
        listed = self.document.get("associate") or []
        if not isinstance(listed, list):
            self.refuse("associate", _("“associate” is a list of JSON objects."))
            return []
        for i, one in enumerate(listed):
            path = f"associate.{i}"
            if not isinstance(one, dict) or str(one.get("type")) not in allowed:
                message = _("A column can be associated with: %(known)s.")
                self.refuse(f"{path}.type", message % {"known": ", ".join(allowed)})
                continue
            other = allowed[str(one["type"])].to
            by = str(one.get("by") or other.name_property)
            if by not in other.properties():
                message = _("There is no property “%(slug)s” of %(type)s. Create it, or choose another.")
                self.refuse(f"{path}.by", message % {"slug": by, "type": other.label_plural})
            elif self.has_column(f"{path}.column", one.get("column")):
                create, label = bool(one.get("create")), str(one.get("label") or "")
                found.append(Linking(one["column"], str(one["type"]), by, create, label))
        return found

    def templates(self, create: list[NewProperty]) -> dict[str, str]:
        templates = {}
        new = {one.slug for one in create}
        for slug, template in self.section("set").items():
            self.check_property(f"set.{slug}", slug, new)
            for column in PLACEHOLDER.findall(str(template)):
                self.has_column(f"set.{slug}", column)
            templates[slug] = str(template)
        return templates

    def flag(self, key: str) -> bool:
        value = self.document.get(key, False)
        if not isinstance(value, bool):
            self.refuse(key, _("“%(key)s” is true or false.") % {"key": key})
        return value is True

    def empty(self) -> str:
        value = self.document.get("empty") or EMPTY[0]
        if value not in EMPTY:
            message = _("%(value)r does not say what empty cells mean. Use one of: %(known)s.")
            self.refuse("empty", message % {"value": value, "known": ", ".join(EMPTY)})
        return str(value)

    def choices(self, key: str, allowed: Any) -> dict[str, str]:
        chosen = {}
        for column, value in self.section(key).items():
            if str(value) not in allowed:
                message = _("%(value)r is not a format. Use one of: %(known)s.")
                self.refuse(f"{key}.{column}", message % {"value": value, "known": " ".join(allowed)})
            elif self.has_column(f"{key}.{column}", column):
                chosen[column] = value
        return chosen

    def upsert_by(self, create: list[NewProperty], filled: set[str]) -> str | None:
        slug = self.document.get("upsert_by") or None
        if slug is None:
            return None
        if not isinstance(slug, str):
            self.refuse(
                "upsert_by", _("“upsert_by” is the internal name of a property, not %(value)r.") % {"value": slug}
            )
            return None
        new = {one.slug for one in create if one.unique}
        prop = self.known.get(slug)
        usable = slug in new or slug == self.object_type.name_property or (prop is not None and prop.unique)
        if not usable:
            message = _("“%(slug)s” is not unique, so it cannot tell which record a row means. Choose a unique one.")
            self.refuse("upsert_by", message % {"slug": slug})
        elif slug not in filled:
            self.refuse("upsert_by", _("No column fills “%(slug)s”. Map one to it.") % {"slug": slug})
        return slug


def parse(document: Any, headers: list[str], object_type: ObjectType) -> Plan:
    """Read and check a plan. Raises DocumentError with every problem."""
    reader = Reader(document, headers, object_type)
    create = reader.create()
    columns = reader.columns(create)
    templates = reader.templates(create)
    plan = Plan(
        columns=columns,
        create=create,
        upsert_by=reader.upsert_by(create, set(columns.values()) | set(templates)),
        associate=reader.associate(),
        set=templates,
        set_existing=reader.flag("set_existing"),
        clear=reader.empty() == "clear",
        dates=reader.choices("dates", DATE_ORDERS),
        numbers=reader.choices("numbers", NUMBER_LABELS),
    )
    if not plan.columns and not plan.set and not reader.problems:
        reader.refuse("columns", _("No column is mapped to a property. Map at least one."))
    if reader.problems:
        raise DocumentError(reader.problems)
    return plan


def fill(template: str, cells: dict[str, str]) -> str:
    """A template with the row's cells put in: the first alternative (split at "|") whose cells are all filled."""
    for alternative in template.split("|"):
        needed = PLACEHOLDER.findall(alternative)
        if all(cells.get(column) for column in needed):
            return PLACEHOLDER.sub(lambda match: cells[match[1]], alternative).strip()
    return ""
