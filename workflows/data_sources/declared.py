"""The data sources of a definition: those people have added, and those every workflow of a type has (DAT-03)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from records.associations import AssociationType, associations_of
from records.object_types import ObjectType, object_types
from records.problems import Problem, unknown_keys

if TYPE_CHECKING:
    from workflows.definitions.definition import Definition

#: Sources that people may add to one workflow (LIM-03, DAT-04).
LIMIT = 50
NAME_LIMIT = 100
#: How records are found: DAT-08, DAT-10 and DAT-11.
ASSOCIATION, MATCH, EQUALS = CONDITIONS = ("association", "property_match", "property_equals")
#: Which of several is taken (DAT-12).
LAST_UPDATED, LAST_CREATED, FIRST_CREATED = PICKS = ("last_updated", "last_created", "first_created")
TEXTS = ("id", "name", "object", "condition", "label", "property", "same_as", "pick")
KEYS = {*TEXTS, "value"}
#: What a key of the document is called here, where the two differ.
ATTRIBUTES = {"property": "compared"}
#: What texts call other things than records of sources; the rest are words of the tokens' own language.
TAKEN = {
    "owner", "sender", "event", "output", "and", "or", "not", "if", "else", "true", "false", "nil", "null", "empty",
    "blank", "contains", "in", "with", "for", "as",
}  # fmt: skip
ID = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class DataSource:
    """A record that goes with each enrolled one: {{ id.property }} is how texts speak of it.

    `condition` says how its candidates are found: linked with the enrolled record (by `label`, if one is given),
    `compared`, a property, the same as the enrolled record's `same_as`, or being `value`. `pick` chooses one of them.
    `given`: every workflow of the type has it; of several links the primary one comes first then.
    """

    id: str
    name: str
    object: str
    condition: str
    label: str = ""
    compared: str = ""
    same_as: str = ""
    value: Any = None
    pick: str = LAST_UPDATED
    given: bool = False

    @property
    def object_type(self) -> ObjectType | None:
        return object_types.get(self.object)

    def association(self, own: ObjectType) -> AssociationType | None:
        """The association by which it is reached from records of a type; None where there is none."""
        found = associations_of(own)
        if self.object in found and found[self.object].to.slug == self.object:
            return found[self.object]
        return next((one for one in found.values() if one.to.slug == self.object), None)

    def document(self) -> dict[str, Any]:
        """The source as definitions have it, without what is left blank."""
        found = {key: getattr(self, ATTRIBUTES.get(key, key)) for key in (*TEXTS, "value")}
        return {key: value for key, value in found.items() if value not in (None, "", [])}


def faults(listed: Any) -> list[Problem]:
    """What is wrong with the structure of a definition's “sources”, with paths into the document."""
    if not isinstance(listed, list):
        return []
    found: list[Problem] = []
    if len(listed) > LIMIT:
        message = _("A workflow has %(limit)d data sources at most; you sent %(count)d. Remove some.")
        found.append(Problem("sources", message % {"limit": LIMIT, "count": len(listed)}))
    seen: set[str] = set()
    for i, item in enumerate(listed):
        found += item_faults(item, f"sources.{i}", seen)
    return found


def item_faults(item: Any, path: str, seen: set[str]) -> list[Problem]:
    if not isinstance(item, dict):
        message = _("A data source is a JSON object, not %(value)r.")
        return [Problem(path, message % {"value": item}, item)]
    found = unknown_keys(item, KEYS, path)
    for key in TEXTS:
        if item.get(key) is not None and not isinstance(item[key], str):
            message = _("%(value)r is not text. Send a string.")
            found.append(Problem(f"{path}.{key}", message % {"value": item[key]}, item[key]))
    name = item.get("id")
    if not isinstance(name, str) or not ID.fullmatch(name) or name in TAKEN:
        message = _(
            "%(value)r cannot be the id of a data source. Use small letters, digits and _, beginning with a letter, "
            "63 characters at most, and none of: %(taken)s."
        )
        found.append(Problem(f"{path}.id", message % {"value": name, "taken": ", ".join(sorted(TAKEN))}, name))
    elif name in seen:
        message = _("The data source id “%(id)s” is used twice. Give each data source its own id.")
        found.append(Problem(f"{path}.id", message % {"id": name}, name, code="duplicate_id"))
    else:
        seen.add(name)
    return found


def read(item: Mapping[str, Any]) -> DataSource:
    """A source of a definition whose structure is right; what is missing is blank."""
    texts: dict[str, Any] = {ATTRIBUTES.get(key, key): str(item.get(key) or "") for key in TEXTS}
    texts["pick"] = texts["pick"] or LAST_UPDATED
    return DataSource(**texts, value=item.get("value"))


def added(definition: Definition) -> dict[str, DataSource]:
    """The sources people have added, by id."""
    return {source.id: source for source in map(read, definition.document.get("sources") or ())}


def given(own: ObjectType) -> dict[str, DataSource]:
    """The sources that every workflow for a type has (DAT-03), by id: the slug of their type."""
    kinds = (object_types[slug] for slug in own.data_sources if slug in object_types and slug != own.slug)
    return {
        kind.slug: DataSource(kind.slug, capfirst(str(kind.label)), kind.slug, ASSOCIATION, given=True)
        for kind in kinds
    }


def sources_of(definition: Definition) -> dict[str, DataSource]:
    """Every source the steps of a definition may use, by id: the given ones first."""
    return {**given(object_types[definition.object]), **added(definition)}
