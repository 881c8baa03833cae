"""Scripts of custom code that wait to be run, and the right to write them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0024_delivery_requests")]

    operations = [
        migrations.AlterModelOptions(
            name="workflow",
            options={
                "ordering": ("-updated_at",),
                "permissions": (
                    ("publish_workflow", "Can publish workflows, turn them on and off, and enroll records"),
                    ("write_code", "Can write custom code in workflows"),
                ),
                "verbose_name": "workflow",
                "verbose_name_plural": "workflows",
            },
        ),
        migrations.CreateModel(
            name="CodeRun",
            fields=[
                (
                    "enrollment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="code_run",
                        serialize=False,
                        to="workflows.enrollment",
                    ),
                ),
                ("workflow_id", models.BigIntegerField()),
                ("revision_id", models.BigIntegerField()),
                ("step", models.CharField(max_length=64)),
                ("visit", models.PositiveIntegerField()),
                ("event", models.JSONField()),
                ("due_at", models.DateTimeField(null=True)),
                ("claim", models.UUIDField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("since", models.DateTimeField()),
                ("result", models.JSONField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["workflow_id", "due_at"],
                        name="code_run_due",
                    )
                ],
            },
        ),
    ]
