"""What dispatching sets aside because of errors, and schedules that are put off by one."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0007_imports_of_a_record"),
        ("workflows", "0017_plain_index_entries"),
    ]

    operations = [
        migrations.CreateModel(
            name="Hindrance",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=12)),
                ("object_type", models.CharField(default="", max_length=50)),
                ("name", models.CharField(default="", max_length=200)),
                ("error", models.CharField(max_length=500)),
                ("tries", models.PositiveIntegerField(default=1)),
                ("since", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                (
                    "segment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="records.segment",
                    ),
                ),
                (
                    "workflow",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workflows.workflow",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "object_type", "name", "segment", "workflow"),
                        name="one_hindrance_per_part",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SetAside",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("record_id", models.BigIntegerField(null=True)),
                ("occurrence", models.JSONField(null=True)),
                (
                    "hindrance",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="aside",
                        to="workflows.hindrance",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["hindrance", "id"], name="set_aside")],
            },
        ),
        migrations.AddField("schedule", "tries", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("schedule", "again_at", models.DateTimeField(null=True)),
        migrations.AddField("schedulerun", "tries", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("schedulerun", "again_at", models.DateTimeField(null=True)),
        migrations.AddField("scheduledrecord", "failed", models.BooleanField(db_default=False, default=False)),
    ]
