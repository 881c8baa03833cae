"""For every kind of operand a valid value, and for every property type a value that is stored."""

from __future__ import annotations

from typing import Any

from records.criteria.operators import Operator
from records.criteria.operators.base import FAMILIES, operators
from records.properties import Property

STORED: dict[str, Any] = {
    "text": "Big é_% deal", "multi_line": "one\ntwo", "email": "ann@acme.com", "url": "https://acme.com",
    "phone": "+46812345678", "number": 5, "currency": 12.5, "date": "2026-11-20",
    "datetime": "2026-11-20T09:00:00+00:00", "boolean": True, "select": "a", "multi_select": ["a", "b"],
}  # fmt: skip
OTHERS: dict[str, Any] = {
    "text": "small", "multi_line": "three", "email": "bo@acme.com", "url": "https://bolt.com",
    "phone": "+46800000000", "number": 700, "currency": 99, "date": "2020-01-01",
    "datetime": "2020-01-01T00:00:00+00:00", "boolean": False, "select": "b", "multi_select": ["c"],
}  # fmt: skip


def operand_value(operand: Any, prop: Property) -> Any:
    """A value the operand accepts."""
    stored = "ann" if prop.type == "user" else STORED[prop.type]
    return {
        "one": stored,
        "several": stored if isinstance(stored, list) else [stored],
        "phrase": "é_%",
        "phrases": ["é_%", "zzz"],
        "whole": 3,
        "point": "2026-11-20",
        "flag": False,
        "zone": "Europe/Stockholm",
        "choice": operand.choices and next(iter(operand.choices)) if hasattr(operand, "choices") else None,
        "property": f"o_{prop.type}",
    }[operand.control]


def filter_with(prop: Property, operator: Operator, **extra: Any) -> dict[str, Any]:
    """A filter document with every operand the operator has."""
    values = {operand.name: operand_value(operand, prop) for operand in operator.operands}
    return {"property": prop.slug, "operator": operator.slug, **values, **extra}


def family_operators(family: str) -> list[str]:
    assert family in FAMILIES
    return [key.partition(":")[2] for key in operators if key.startswith(f"{family}:")]
