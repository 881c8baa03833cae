"""Many enrollments that somebody moves to another step by hand, in the background."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("workflows", "0037_lean_step_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="MassMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.BigIntegerField(default=0)),
                ("asked", models.PositiveIntegerField(default=0)),
                ("refused", models.JSONField(default=dict)),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "In progress"), ("done", "Done"), ("stopped", "Stopped")],
                        default="waiting",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("message", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "enrollment_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("target", models.CharField(max_length=64)),
                ("places", models.JSONField(default=list)),
                ("moved", models.PositiveIntegerField(default=0)),
                ("cancelled", models.PositiveIntegerField(default=0)),
                ("came_from", models.JSONField(default=list)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workflow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mass_moves",
                        to="workflows.workflow",
                    ),
                ),
            ],
            options={
                "verbose_name": "mass move",
                "verbose_name_plural": "mass moves",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(condition=models.Q(("status", "waiting")), fields=["id"], name="mass_move_to_do")
                ],
            },
        ),
    ]
