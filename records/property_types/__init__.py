"""The kinds of property: how a value is read, stored, compared and shown."""

from records.property_types.base import PropertyType, property_types

property_types.load("records.property_types")

__all__ = ["PropertyType", "property_types"]
