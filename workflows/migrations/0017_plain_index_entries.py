"""Every version of an enrollment has an entry of its own in the indexes whose keys never change.

An enrollment's row is written anew at each step. Where the entries of its versions are merged into one, PostgreSQL
takes the merged ones apart again to find those that can go, each time a page is full: more than a third of what moving
an enrollment cost. No table is rewritten; pages that are merged already stay so until they are split or rebuilt.
"""

from django.db import migrations

INDEXES = ("workflows_enrollment_pkey", "enrollment_history", "enrollment_record", "one_active_enrollment")


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0016_webhooks"),
    ]

    operations = [
        migrations.RunSQL(
            [f"ALTER INDEX {name} SET (deduplicate_items = off)" for name in INDEXES],
            [f"ALTER INDEX {name} RESET (deduplicate_items)" for name in INDEXES],
        ),
    ]
