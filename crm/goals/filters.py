"""The criteria that templates are written with."""

from __future__ import annotations

from typing import Any


def criteria(*filters: dict[str, Any]) -> dict[str, Any]:
    """Every filter must be met."""
    return {"any": [{"all": list(filters)}]}


def is_any_of(slug: str, *values: str) -> dict[str, Any]:
    """The filter that a select property has one of some values."""
    return {"property": slug, "operator": "is_any_of", "value": list(values)}
