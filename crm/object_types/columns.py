"""The columns of a model as properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from records.object_types import property_of
from records.properties import Property

HIDDEN = {"custom", "deleted_at"}
MONEY = {"type": "currency"}


def columns(model: Any, first: Sequence[str] = (), /, **overrides: dict[str, Any]) -> tuple[Property, ...]:
    """The model's columns as properties, its own first, then the ones every record has.

    `first`: names of columns that come before all others, for models that share some with other models.
    """
    fields = [field for field in model._meta.concrete_fields if field.name not in HIDDEN]
    places = {name: place for place, name in enumerate(first)}
    common = {"id", "owner", "created_at", "updated_at"}
    own_first = sorted(fields, key=lambda field: (field.name in common, places.get(field.name, len(places))))
    derived = (property_of(field, **overrides.get(field.name, {})) for field in own_first)
    return tuple(prop for prop in derived if prop is not None)
