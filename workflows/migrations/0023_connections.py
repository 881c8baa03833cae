"""Connections, and what requests to other systems need of deliveries."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0022_mail_wishes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Connection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("slug", models.CharField(editable=False, max_length=63, unique=True, verbose_name="internal name")),
                ("origin", models.CharField(max_length=300, verbose_name="address")),
                (
                    "auth",
                    models.CharField(
                        choices=[
                            ("none", "Nothing"),
                            ("bearer", "A token in the header Authorization (Bearer)"),
                            ("header", "A key in a header"),
                            ("query", "A key in the address, as a parameter"),
                            ("basic", "A user name and a password (Basic)"),
                        ],
                        default="none",
                        max_length=10,
                        verbose_name="signs in with",
                    ),
                ),
                (
                    "auth_name",
                    models.CharField(
                        blank=True, max_length=100, verbose_name="name of the header or parameter, or user name"
                    ),
                ),
                ("secret_sealed", models.TextField(blank=True, default="", editable=False)),
                ("secret_ends", models.CharField(blank=True, default="", editable=False, max_length=2)),
                ("secret_set_at", models.DateTimeField(editable=False, null=True)),
                ("signing_sealed", models.TextField(blank=True, default="", editable=False)),
                ("signing_set_at", models.DateTimeField(editable=False, null=True)),
                ("earlier_sealed", models.TextField(blank=True, default="", editable=False)),
                ("earlier_until", models.DateTimeField(editable=False, null=True)),
                ("limit_count", models.PositiveIntegerField(blank=True, null=True, verbose_name="requests at most")),
                (
                    "limit_per",
                    models.CharField(
                        choices=[
                            ("second", "a second"),
                            ("minute", "a minute"),
                            ("hour", "an hour"),
                            ("day", "a day"),
                        ],
                        default="second",
                        max_length=6,
                        verbose_name="in",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
            ],
            options={
                "verbose_name": "connection",
                "verbose_name_plural": "connections",
                "ordering": ("name", "pk"),
            },
        ),
        migrations.AddField(
            model_name="delivery",
            name="answer",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="lane",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddField(
            model_name="connection",
            name="created_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="connection",
            name="secret_set_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
