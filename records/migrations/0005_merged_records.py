"""What has become of records that were merged into others."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0004_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MergedRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("object_type", models.CharField(max_length=50)),
                ("record_id", models.BigIntegerField()),
                ("winner_id", models.BigIntegerField()),
                ("merged_at", models.DateTimeField(verbose_name="merged")),
                (
                    "merged_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "merged record",
                "verbose_name_plural": "merged records",
                "indexes": [models.Index(fields=["object_type", "winner_id"], name="merged_into")],
                "constraints": [models.UniqueConstraint(fields=("object_type", "record_id"), name="merged_once")],
            },
        ),
    ]
