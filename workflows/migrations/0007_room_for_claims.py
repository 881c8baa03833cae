"""Fewer indexes on enrollments, and room on their pages for claims.

A claim changes no indexed column, so where the page has room it writes a row and nothing else. Every enrollment is
claimed right after it was written, when whatever filled its page was written, too.
"""

import django.db.models.deletion
from django.db import migrations, models

# Vacuum comes early, because claiming walks past what is dead.
ROOM = """
    ALTER TABLE workflows_enrollment SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)
"""
NO_ROOM = "ALTER TABLE workflows_enrollment RESET (fillfactor, autovacuum_vacuum_scale_factor)"


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0006_beats_tallies_and_alerts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="enrollment",
            name="revision",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="enrollments",
                to="workflows.revision",
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="workflow",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="enrollments",
                to="workflows.workflow",
            ),
        ),
        migrations.RunSQL(ROOM, NO_ROOM),
    ]
