"""The log of steps is read by workflow, newest first, and what failed apart: two indexes, made while it is written to.

The first gets an entry for every line; lines of a batch share revision and time, so most of them share an entry, too.
The second has entries only of lines that say a step failed.
"""

from django.db import migrations

from records.index_operations import AddIndexToPartitions

TABLE = "workflows_stepexecution"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflows", "0031_parts_of_drafts")]

    operations = [
        AddIndexToPartitions(TABLE, "workflows_stepexecution_revision", "(revision_id, at)"),
        AddIndexToPartitions(TABLE, "workflows_stepexecution_failed", "(revision_id, at) WHERE outcome = 'failed'"),
    ]
