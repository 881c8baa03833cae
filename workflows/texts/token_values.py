"""The values tokens stand for: plain data about records, fetched with a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from records.object_types import ObjectType
from records.properties import Property

#: What a token may say about a user. Nothing else of a user is ever looked at.
USER_PARTS = ("name", "first_name", "last_name", "email", "username")


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as Python and as text. A user's parts are copied out, so no object is reachable from a token."""

    raw: Any
    text: str
    parts: tuple[tuple[str, str], ...] = ()

    def part(self, name: str) -> Shown:
        text = dict(self.parts).get(name, "")
        return Shown(text, text)


BLANK = Shown(None, "")


def allowed_names(object_type: ObjectType, properties: Mapping[str, Any]) -> list[str]:
    """Every token of an object type: its properties, the parts of the users they name, and the owner's."""
    names = []
    for slug, prop in properties.items():
        if prop.sensitive:
            continue
        names.append(f"{object_type.slug}.{slug}")
        if prop.type == "user":
            names += [f"{object_type.slug}.{slug}.{part}" for part in USER_PARTS]
    if "owner" in properties:
        names += [f"owner.{part}" for part in USER_PARTS]
    return names


def values_of(
    object_type: ObjectType, slugs: Iterable[str], records: list[Any], *, raw: bool = False
) -> dict[int, dict[str, Shown]]:
    """For every record the values of some properties; those that do not exist (any more) are left out.

    `raw` gives the text the API would write instead of the one people read. Queries: one for the properties, one
    for each select or calculated property, one for all users.
    """
    properties = object_type.properties()
    chosen = [properties[slug] for slug in slugs if slug in properties]
    read = {prop.slug: column_of(object_type, prop, records) for prop in chosen}
    users = users_by_id(
        value for prop in chosen if prop.type == "user" for value in read[prop.slug].values() if value is not None
    )
    found: dict[int, dict[str, Shown]] = {record.pk: {} for record in records}
    for prop in chosen:
        labels = {} if raw else {option.value: str(option.label) for option in prop.options}
        for pk, value in read[prop.slug].items():
            found[pk][prop.slug] = shown(prop, value, labels, users, raw)
    return found


def shown_values(prop: Property, values: dict[int, Any], *, raw: bool = False) -> dict[int, Shown]:
    """Values of one property, wherever they come from, as `values_of` gives them."""
    users = users_by_id(value for value in values.values() if value is not None) if prop.type == "user" else {}
    labels = {} if raw else {option.value: str(option.label) for option in prop.options}
    return {pk: shown(prop, value, labels, users, raw) for pk, value in values.items()}


def column_of(object_type: ObjectType, prop: Property, records: list[Any]) -> dict[int, Any]:
    """One property of loaded records; a calculated one is asked from the database."""
    if prop.calculated is None:
        return {record.pk: prop.read(record) for record in records}
    ids = [record.pk for record in records]
    answers = object_type.model._default_manager.filter(pk__in=ids).annotate(asked=prop.expression())
    return dict.fromkeys(ids) | dict(answers.values_list("pk", "asked"))


def users_by_id(ids: Iterable[int]) -> dict[int, Any]:
    wanted = set(ids)
    return get_user_model()._default_manager.in_bulk(wanted) if wanted else {}


def shown(prop: Property, value: Any, labels: dict[str, str], users: dict[int, Any], raw: bool) -> Shown:
    if value is None:
        return BLANK
    if prop.type == "user":
        return shown_user(users.get(value), raw)
    if prop.kind.multiple:
        return Shown(value, "; ".join(value) if raw else ", ".join(labels.get(one, str(one)) for one in value))
    if raw:
        return Shown(value, str(prop.as_json(value)))
    if value in labels:
        return Shown(value, labels[value])
    return Shown(value, prop.display(value) if not labels else str(value))


def shown_user(user: Any, raw: bool) -> Shown:
    """A user's name (or username, `raw`) and the parts a token may ask for; blank for one who is gone."""
    if user is None:
        return BLANK
    username = user.get_username()
    parts = {
        "name": str(user),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "username": username,
    }
    return Shown(user.pk, username if raw else str(user), tuple(parts.items()))
