"""The operators: one registry, a file per family of property types."""

from records.criteria.operators.base import Operator, PropertyFilter, operators, operators_for

operators.load("records.criteria.operators")

__all__ = ["Operator", "PropertyFilter", "operators", "operators_for"]
