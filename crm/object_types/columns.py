"""The columns of a model as properties."""

from __future__ import annotations

from typing import Any

from records.object_types import property_of
from records.properties import Property

HIDDEN = {"custom", "deleted_at"}
MONEY = {"type": "currency"}


def columns(model: Any, **overrides: dict[str, Any]) -> tuple[Property, ...]:
    """The model's columns as properties, its own first, then the ones every record has."""
    fields = [field for field in model._meta.concrete_fields if field.name not in HIDDEN]
    own_first = sorted(fields, key=lambda field: field.name in {"id", "owner", "created_at", "updated_at"})
    derived = (property_of(field, **overrides.get(field.name, {})) for field in own_first)
    return tuple(prop for prop in derived if prop is not None)
