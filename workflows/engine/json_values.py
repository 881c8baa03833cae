"""Values of a batch's records as JSON, as the API writes them: constant queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workflows.engine import results
from workflows.texts import json_templates, tokens
from workflows.texts.token_values import column_of, users_by_id

if TYPE_CHECKING:
    from records.properties import Property
    from workflows.engine.batch import Batch


def json_values(batch: Batch, slugs: Iterable[str]) -> dict[int, dict[str, Any]]:
    """Properties by record id and slug; users by username, None for blanks. Those that are gone are left out."""
    found: dict[int, dict[str, Any]] = {pk: {} for pk in batch.ids}
    records = list(batch.records_by_id.values())
    for slug in slugs:
        prop = batch.properties.get(slug)
        if prop is None:
            continue
        for pk, value in as_json(prop, column_of(batch.object_type, prop, records)).items():
            found[pk][slug] = value
    return found


def as_json(prop: Property, values: dict[int, Any]) -> dict[int, Any]:
    """Values of one property, by record id, as JSON."""
    if prop.type != "user":
        return {pk: prop.as_json(value) for pk, value in values.items()}
    users = users_by_id(value for value in values.values() if value is not None)
    return {pk: users[value].get_username() if value in users else None for pk, value in values.items()}


def filled_in(batch: Batch, document: Any) -> dict[int, Any]:
    """A JSON template (workflows.texts.json_templates) for each record, by its id.

    A text that is one token only becomes the value itself. Raises TokenError when a text would be too long.
    """
    values = {text: of_text(batch, text) for text in json_templates.with_tokens(document)}
    return {
        pk: json_templates.filled(document, {text: found.get(pk) for text, found in values.items()})
        for pk in batch.ids
    }


def of_text(batch: Batch, text: str) -> dict[int, Any]:
    source, _dot, rest = json_templates.alone(text).partition(".")
    if source == batch.object_type.slug and rest in batch.properties:
        return {pk: values.get(rest) for pk, values in json_values(batch, [rest]).items()}
    if source == tokens.OUTPUT and rest:
        prop, left = results.values_left(batch.context, batch.enrollments, rest)
        return as_json(prop, left)
    return dict(batch.render(text))
