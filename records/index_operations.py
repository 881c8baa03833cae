"""Indexes that migrations make while the table is in use, and that may be interrupted."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently

# In the schema the table is looked for in.
STATE = """
    SELECT i.indisvalid AND i.indisready FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.oid = to_regclass(%s)
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
