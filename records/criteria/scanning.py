"""Looking through a whole table, or a part of it: the condition of criteria on rows as they come.

Values that many filters ask for are columns of the rows here, not of a little table beside each record
(records.criteria.extracting): that one runs once more for every record, and keeps PostgreSQL from sharing the table
among several processes.

    SELECT count(*) FROM (SELECT …, lower(city) AS once_0 FROM crm_contact OFFSET '0') AS crm_contact WHERE once_0 = …
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Field, Model

from records.criteria.extracting import properties_of, split
from records.criteria.tree import Context, Criteria
from records.criteria.writing import Column, Writer
from records.properties import Property

SQL = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Scan:
    """Rows of a table and a condition on them, as SQL. `rows` is "" for the table as it is."""

    table: str
    rows: SQL
    condition: SQL
    #: Whether any of the values asked for is kept in JSON.
    reads_json: bool = False

    def source(self, sample: str = "") -> str:
        # OFFSET keeps PostgreSQL from putting the expressions back in place of the columns. The number in quotes is
        # of the right type as it stands: of one that were to be converted it would not know in time that it is 0, and
        # several processes may not share rows of which some are left out.
        return f"({self.rows[0]}{sample} OFFSET '0') AS {self.table}" if self.rows[0] else f"{self.table}{sample}"

    def selecting(self, what: str) -> SQL:
        return f"SELECT {what} FROM {self.source()} WHERE {self.condition[0]}", (*self.rows[1], *self.condition[1])

    def sampling(self, percent: float) -> SQL:
        """How many rows of a sample match, and how many it has; the same rows each time.

        Whole pages are taken, so the database reads few of them, wherever the records are. The condition is no WHERE:
        of that PostgreSQL would first guess how many rows pass each of its parts.
        """
        source = self.source(f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)")
        sql = f"SELECT count(*) FILTER (WHERE {self.condition[0]}), count(*) FROM {source}"
        return sql, (*self.condition[1], *self.rows[1])


def scan_of(criteria: Criteria, context: Context) -> Scan:
    """The live records that meet criteria, looked for among all rows of the table."""
    kind = criteria.object_type
    table = connection.ops.quote_name(kind.model._meta.db_table)
    asked = {prop.slug: prop for prop in properties_of(criteria.group)}
    own = {slug: column_of(prop, kind.model, table) for slug, prop in asked.items() if prop.column is not None}
    reads_json = len(own) < len(asked)
    condition, values = split(criteria.group, context, own)
    query = kind.records().query
    sql, facts = Writer(query).write(condition)
    if query.where:
        live, more = query.get_compiler(using=connection.alias).compile(query.where)
        sql, facts = f"({live}) AND {sql}", (*more, *facts)
    if not values:
        return Scan(table, ("", ()), (sql, facts), reads_json)
    rows, extracted = kind.model._base_manager.annotate(**values).order_by().query.sql_with_params()
    return Scan(table, (rows, tuple(extracted)), (sql, facts), reads_json)


def column_of(prop: Property, model: type[Model], table: str) -> Column:
    assert prop.column is not None
    field = model._meta.get_field(prop.column)
    assert isinstance(field, Field) and field.column is not None
    return Column(f"{table}.{connection.ops.quote_name(field.column)}", prop.kind.output_field())
