"""Reading a property once per record where many filters ask for it.

Each filter of its own would fetch a custom value from the JSONB, check it and cast it again, or make a text small
again: with 250 of them that takes minutes where the comparisons take seconds. So the values come from a little table
of one row beside the record:

    (SELECT … once_0 > 1 OR once_0 < -1 … FROM (SELECT … custom ->> 'size' … OFFSET 0) AS once (once_0))
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import BooleanField, Expression, Q, TextField
from django.db.models.functions import Cast, Lower

from records.criteria.expressions import value_of
from records.criteria.tree import Context, Group, Node
from records.criteria.writing import Column
from records.properties import Property

#: With fewer filters on a property, reading it for each costs less than the little table.
WORTH_IT = 4
TEXT = TextField()


class Once(Expression):
    """A condition that may look at values extracted once."""

    conditional = True

    def __init__(self, condition: Any, *values: Any) -> None:
        super().__init__(output_field=BooleanField())
        self.parts = [condition, *values]

    def get_source_expressions(self) -> list[Any]:
        return self.parts

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.parts = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        condition, *values = self.parts
        found = [compiler.compile(value) for value in values]
        tested, tested_params = compiler.compile(condition)
        selected = ", ".join(sql for sql, _params in found)
        columns = ", ".join(named(i) for i in range(len(found)))
        # OFFSET 0 keeps PostgreSQL from putting the expressions back in place of the columns.
        sql = f"(SELECT {tested} FROM (SELECT {selected} OFFSET 0) AS once ({columns}))"
        return sql, (*tested_params, *(param for _sql, params in found for param in params))


def condition_of(group: Group, context: Context) -> Q:
    """The condition of a group on the records of one object type, with values extracted once where it pays."""
    found, values = split(group, context)
    return Q(Once(found, *values.values())) if values else found


def named(number: int) -> str:
    return f"once_{number}"


def split(group: Group, context: Context, own: dict[str, Column] | None = None) -> tuple[Q, dict[str, Any]]:
    """The condition, and by name the values it takes for columns of its rows.

    `own`: what is a column anyway, by the property's slug.
    """
    asked = Counter(properties_of(group))
    columns = dict(own or {})
    values: dict[str, Any] = {}
    for prop, times in asked.items():
        if times < WORTH_IT or not (prop.custom or prop.kind.family == "text"):
            continue
        value, small = value_of(prop), None
        if prop.kind.family == "text":
            small = Column(named(len(values)), TEXT)
            values[small.column] = Lower(Cast(value, TextField()))
        columns[prop.slug] = Column(named(len(values)), prop.kind.output_field(), small)
        values[columns[prop.slug].column] = value
    return group.q(dataclasses.replace(context, extracted=columns)), values


def properties_of(node: Node) -> Iterator[Property]:
    """The properties filters of this object type look at; what is behind an association is another type's."""
    if isinstance(node, Group):
        for child in node.children:
            yield from properties_of(child)
    elif (prop := getattr(node, "property", None)) is not None:
        yield prop
