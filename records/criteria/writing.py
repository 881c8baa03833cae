"""Conditions as SQL, written without Django's resolving, which takes longer of 250 filters than their answer.

What criteria are mostly made of (groups, comparisons of columns with values) is written here; everything else, such as
what has happened to associated records, by Django.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import Expression, Q, Value
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    Lookup,
)
from django.db.models.sql import Query

from records.criteria.expressions import Holds

SQL = tuple[str, tuple[Any, ...]]
SIGNS: dict[type, str] = {
    Exact: "=", GreaterThan: ">", GreaterThanOrEqual: ">=", LessThan: "<", LessThanOrEqual: "<=",
}  # fmt: skip


class Column(Expression):
    """A column that is there under a name of its own, whatever the statement around it; `small`: in small letters."""

    def __init__(self, column: str, output_field: Any, small: Column | None = None) -> None:
        super().__init__(output_field=output_field)
        self.column, self.small = column, small

    def resolve_expression(self, *args: Any, **facts: Any) -> Column:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return self.column, ()


class Writer:
    """Writes conditions on the rows of a query."""

    def __init__(self, query: Query) -> None:
        self.query, self.compiler = query, query.get_compiler(using=connection.alias)

    def write(self, node: Any) -> SQL:
        """A condition, or a value in it."""
        if isinstance(node, Column):
            return node.column, ()
        if isinstance(node, Value):
            sql, params = self.compiler.compile(node)
            return sql, tuple(params)
        if isinstance(node, Q):
            return self.group(node)
        if isinstance(node, tuple):
            return self.by_django(Q(node))
        if isinstance(node, Lookup) and isinstance(node.lhs, Column):
            return self.comparison(node)
        if isinstance(node, Holds):
            left, right = (self.write(part) for part in node.get_source_expressions())
            return f"({left[0]} {node.sign} {right[0]})", left[1] + right[1]
        return self.by_django(node)

    def group(self, node: Q) -> SQL:
        parts = [self.write(child) for child in node.children]
        sql = f" {node.connector} ".join(sql for sql, _params in parts) or "TRUE"
        return f"{'NOT ' if node.negated else ''}({sql})", tuple(param for _sql, params in parts for param in params)

    def comparison(self, node: Lookup[Any]) -> SQL:
        left, kind = node.lhs.column, type(node)
        if kind is IsNull:
            return f"{left} IS {'NULL' if node.rhs else 'NOT NULL'}", ()
        if kind in SIGNS and hasattr(node.rhs, "as_sql"):
            right, params = self.write(node.rhs)
            return f"{left} {SIGNS[kind]} {right}", params
        if kind is In and node.rhs:
            every = node.rhs.get_source_expressions() if hasattr(node.rhs, "as_sql") else node.rhs
            parts = [self.write(one) if hasattr(one, "as_sql") else ("%s", (one,)) for one in every]
            listed = ", ".join(sql for sql, _params in parts)
            return f"{left} IN ({listed})", tuple(param for _sql, params in parts for param in params)
        return self.by_django(node)

    def by_django(self, node: Any) -> SQL:
        try:
            sql, params = self.compiler.compile(node.resolve_expression(self.query))
        except EmptyResultSet:
            return "FALSE", ()
        except FullResultSet:
            return "TRUE", ()
        return f"({sql})", tuple(params)
