"""Property values in SQL: now, and as the journal remembers them.

Texts are compared as they are, everything else in its own SQL type. What the `custom` JSONB or the journal holds but
cannot be read as that type (a property whose type was changed) is blank, never an error.
"""

from __future__ import annotations

from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    F,
    Func,
    IntegerField,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import Exact, GreaterThan, IsNull

from records.models import Change
from records.object_types import ObjectType
from records.properties import Property

SQL_TYPES = {
    "number": "numeric(24,6)", "date": "timestamptz", "boolean": "boolean", "user": "bigint",
}  # fmt: skip


class Holds(Func):
    """A condition written as one SQL operator between two expressions."""

    template = "(%(expressions)s)"
    output_field = BooleanField()

    def __init__(self, left: Any, operator: str, right: Any) -> None:
        super().__init__(left, right, arg_joiner=f" {operator} ")
        self.sign = operator


def value_of(prop: Property) -> Any:
    """The current value. Blank texts in columns come as they are stored (""), so guard with `known`."""
    if prop.calculated is not None:
        return prop.expression()
    return F(prop.column) if prop.column is not None else json_value(prop, "custom")


def journal_value(prop: Property, side: str) -> Any:
    """The value before or after a change; NULL when it did not change or was blank."""
    return json_value(prop, side)


def json_value(prop: Property, container: str) -> Any:
    """The value under the property's slug in a JSONB column."""
    if prop.kind.multiple:
        return KeyTransform(prop.slug, container, output_field=JSONField())
    text = KeyTextTransform(prop.slug, container, output_field=TextField())
    if prop.kind.textual:
        return text
    field = prop.kind.output_field()
    sql_type = "date" if prop.type == "date" else SQL_TYPES[prop.kind.family]
    readable = Func(text, Value(sql_type), function="pg_input_is_valid", output_field=BooleanField())
    return Case(When(Q(readable), then=Cast(text, field)), default=None, output_field=field)


def known(prop: Property, value: Any = None) -> Q:
    """Whether there is a value; never NULL."""
    value = value_of(prop) if value is None else value
    if prop.kind.multiple:
        is_list = Exact(Func(value, function="jsonb_typeof", output_field=TextField()), Value("array"))
        as_list = Case(When(Q(is_list), then=value), default=None, output_field=JSONField())
        length = Func(as_list, function="jsonb_array_length", output_field=IntegerField())
        return Q(GreaterThan(Coalesce(length, Value(0)), Value(0)))
    if prop.kind.textual:
        return Q(IsNull(value, False)) & ~Q(Exact(value, Value("")))
    return Q(IsNull(value, False))


def changes_of(prop: Property, object_type: ObjectType) -> QuerySet[Change]:
    """The journaled changes of the property, of the record in the outer query."""
    touched = Q(Holds(F("after"), "?", Value(prop.slug))) | Q(Holds(F("before"), "?", Value(prop.slug)))
    return Change.objects.filter(touched, object_type=object_type.slug, record_id=OuterRef("pk"))


def last_change(prop: Property, object_type: ObjectType) -> Subquery:
    """When the property last changed; NULL when the journal knows of no change."""
    return Subquery(changes_of(prop, object_type).order_by("-at").values("at")[:1])
