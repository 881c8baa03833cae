"""Indexes that migrations make while the table is in use, and that may be interrupted."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import RunPython

# In the schema the table is looked for in.
STATE = """
    SELECT i.indisvalid AND i.indisready FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.oid = to_regclass(%s)
"""
# The partitions that have no part of an index of their table yet.
UNINDEXED = """
    SELECT child.relname FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(%s) AND NOT EXISTS (
        SELECT FROM pg_inherits p JOIN pg_index x ON x.indexrelid = p.inhrelid
        WHERE p.inhparent = to_regclass(%s) AND x.indrelid = child.oid
    )
    ORDER BY child.relname
"""


class AddIndexAgain(AddIndexConcurrently):
    """`AddIndexConcurrently`, of a migration that was interrupted too.

    PostgreSQL leaves an invalid index behind where making one concurrently does not come to its end; the same
    migration would fail on its name for ever. Such a one is dropped first, and one that is whole is left as it is.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        name = schema_editor.quote_name(self.index.name)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(STATE, [name])
            found = cursor.fetchone()
            if found and found[0]:
                return
            if found:
                cursor.execute(f"DROP INDEX CONCURRENTLY {name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddIndexToPartitions(RunPython):
    """An index on every partition of a table, made one partition at a time while the table is in use.

    PostgreSQL makes none concurrently on a partitioned table itself, so the table's own index is made empty, each
    partition's beside it, and these are attached. Partitions made later get theirs by that. It may be interrupted and
    begun again.
    """

    def __init__(self, table: str, name: str, on: str) -> None:
        """`on` is what is indexed, as SQL: "(columns)", and WHERE with a condition if it has one."""
        self.table, self.name, self.on = table, name, on
        super().__init__(self.make, self.drop)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.table, self.name, self.on], {}

    def make(self, _apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {self.name} ON ONLY {self.table} {self.on}")
            cursor.execute(UNINDEXED, [self.table, self.name])
            for (partition,) in cursor.fetchall():
                part = f"{self.name}_{partition.removeprefix(self.table).strip('_')}"
                cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {part}")
                cursor.execute(f'CREATE INDEX CONCURRENTLY {part} ON "{partition}" {self.on}')
                cursor.execute(f"ALTER INDEX {self.name} ATTACH PARTITION {part}")

    def drop(self, _apps: Any, schema_editor: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {self.name}")
