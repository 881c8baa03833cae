"""Deals and notes with a custom property of every type."""

from __future__ import annotations

import datetime as dt

import pytest

from crm.models import User
from records.models import PropertyDefinition
from records.object_types import ObjectType, object_types

CUSTOM_TYPES = (
    "text", "multi_line", "email", "url", "phone", "number", "currency", "date", "datetime", "boolean", "select",
    "multi_select", "user",
)  # fmt: skip
OPTIONS = [{"value": value, "label": value.upper()} for value in ("a", "b", "c", "d")]
NOW = dt.datetime(2026, 11, 22, 10, 30, tzinfo=dt.UTC)


def add_custom_properties(object_type: str = "deal") -> None:
    """A property c_<type> of each type, and a second one of each, o_<type>, to compare it with."""
    PropertyDefinition.objects.bulk_create(
        PropertyDefinition(
            object_type=object_type,
            slug=f"{start}_{kind}",
            label=f"{start.upper()} {kind}",
            type=kind,
            options=OPTIONS,
        )
        for start in ("c", "o")
        for kind in CUSTOM_TYPES
    )


@pytest.fixture
def deal_type(db: None) -> ObjectType:
    add_custom_properties()
    return object_types["deal"]


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create(username="ann", first_name="Ann", last_name="Lee")
