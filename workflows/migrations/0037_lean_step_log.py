"""A line of the step log is found by its number through an index of ranges of pages, not of every line.

The primary key wrote an entry for each line and nothing refers to it; numbers come from the table's own sequence, in
the order lines are written. So the entry every line has in the index by version costs a step nothing more than before.
"""

from django.db import migrations

from records.index_operations import AddIndexToPartitions

TABLE = "workflows_stepexecution"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflows", "0036_issues")]

    operations = [
        AddIndexToPartitions(
            TABLE, f"{TABLE}_number", "USING brin (id) WITH (pages_per_range = 16, autosummarize = on)"
        ),
        migrations.RunSQL(
            f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {TABLE}_pkey",
            f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id, at)",
        ),
    ]
