"""Room in the indexes of enrollments, too.

A record that goes on gets a new entry in each of these: they were full from the first day, because their keys come in
order, so that nearly every step had to tidy a page or to split one. Pages that exist are used as they are; REINDEX
gives them room at once.
"""

from django.db import migrations

INDEXES = (
    "workflows_enrollment_pkey",
    "one_active_enrollment",
    "enrollment_history",
    "enrollment_lane",
    "enrollment_place",
    "enrollment_record",
)
ROOM = "ALTER INDEX {name} SET (fillfactor = 50)"
NO_ROOM = "ALTER INDEX {name} RESET (fillfactor)"


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0025_code_runs"),
    ]

    operations = [migrations.RunSQL(ROOM.format(name=name), NO_ROOM.format(name=name)) for name in INDEXES]
