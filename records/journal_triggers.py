"""What the triggers of the journal are made of: when they fire, and the statement that writes it.

They are statement triggers with transition tables. What they write is read by records.journal.
"""

from __future__ import annotations

import pgtrigger
from django.db import connections, models

from records.row_triggers import PlainRowTrigger

OLD_AND_NEW = pgtrigger.Referencing(old="old_rows", new="new_rows")
ONLY_OLD = pgtrigger.Referencing(old="old_rows")
ONLY_NEW = pgtrigger.Referencing(new="new_rows")
VARIABLES = [
    ("context", "jsonb := NULLIF(current_setting('headrace.source', true), '')::jsonb"),
    ("moment", "timestamptz := clock_timestamp()"),
    ("memory", "text := current_setting('work_mem')"),
]

# One statement writes the journal and its queue; pg_notify wakes the clock also where no Django was involved, and
# says what kind of source it was. With the usual 4 MB of memory 100,000 rows would be joined and kept on disk.
WRITE = """
PERFORM set_config('work_mem', GREATEST(pg_size_bytes(memory) / 1024, 65536)::text, true);
WITH found AS MATERIALIZED ({found}), journaled AS (
    INSERT INTO records_change (id, object_type, record_id, kind, before, after, actor_id, source, depth, at)
    SELECT id, object_type, record_id, kind, before, after, (context ->> 'actor')::bigint,
        context - 'actor' - 'depth', COALESCE((context ->> 'depth')::smallint, 0), moment
    FROM found {where}
)
INSERT INTO records_pendingchange (change_id, object_type, record_id, kind, properties, source, depth, at)
SELECT id, object_type, record_id, kind, {properties}, context - 'depth',
    COALESCE((context ->> 'depth')::smallint, 0), moment
FROM found {where};
IF FOUND THEN PERFORM pg_notify('headrace_changes', COALESCE(context ->> 'kind', '')); END IF;
PERFORM set_config('work_mem', memory, true);
RETURN NULL;
"""
NEXT_ID = "nextval('records_change_id_seq')"


class CaptureTrigger(pgtrigger.Trigger):
    """A statement trigger of the journal; skipped while its table does not exist yet."""

    level = pgtrigger.Statement
    when = pgtrigger.After
    declare: list[tuple[str, str]] | None = VARIABLES

    def allow_migrate(self, model: models.Model, database: str | None = None) -> bool:
        return super().allow_migrate(model, database) and table_exists(model._meta.db_table, database)


class RowTrigger(PlainRowTrigger, CaptureTrigger):
    level = pgtrigger.Row
    when = pgtrigger.Before
    declare = None


def table_exists(table: str, database: str | None = None) -> bool:
    with connections[database or "default"].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f'"{table}"'])
        return cursor.fetchone()[0] is not None


def written(found: str, properties: str = "'{*}'", where: str = "") -> str:
    """The body of a trigger: whose changes `found` selects, under which slugs they are looked up when dispatched."""
    return WRITE.format(found=found, properties=properties, where=where)


def quoted(name: str | None) -> str:
    return f'"{name}"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
