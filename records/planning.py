"""What PostgreSQL's planner knows of tables that were just filled.

Its own housekeeping comes by within a minute; until then it takes a table for as small as it was, and reads all of it
where an index would do.
"""

from __future__ import annotations

from django.db import connection

from records.models import Association
from records.object_types import ObjectType

#: Rows that came at once from which on the planner is told.
MANY = 1_000


def learn(object_type: ObjectType) -> None:
    """Have the planner look at the records of a type and at the links between records: a fraction of a second."""
    with connection.cursor() as cursor:
        for table in (object_type.table, Association._meta.db_table):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
