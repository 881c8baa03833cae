"""AI providers, and what of them is used each month."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0026_room_in_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AIUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.CharField(max_length=50)),
                ("month", models.DateField()),
                ("executions", models.PositiveIntegerField(db_default=0, default=0)),
                ("input_tokens", models.BigIntegerField(db_default=0, default=0)),
                ("output_tokens", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "verbose_name": "use of AI",
                "verbose_name_plural": "use of AI",
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("action", "month"), name="ai_use_of_a_month")],
            },
        ),
        migrations.CreateModel(
            name="AIProvider",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("slug", models.CharField(editable=False, max_length=63, unique=True, verbose_name="internal name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("openai", "OpenAI, or a server that speaks like it (chat completions)"),
                            ("anthropic", "Anthropic (messages)"),
                        ],
                        default="openai",
                        max_length=10,
                        verbose_name="speaks like",
                    ),
                ),
                ("path", models.CharField(blank=True, default="/v1", max_length=200, verbose_name="path")),
                ("model", models.CharField(max_length=200, verbose_name="model")),
                (
                    "structure",
                    models.CharField(
                        choices=[
                            ("schema", "By a JSON schema"),
                            ("object", "As JSON, without a schema"),
                            ("none", "By words only"),
                        ],
                        default="schema",
                        max_length=10,
                        verbose_name="asks for typed answers",
                    ),
                ),
                ("searches", models.BooleanField(default=False, verbose_name="searches the web")),
                ("longest", models.PositiveIntegerField(default=2000, verbose_name="longest answer, in tokens")),
                ("is_default", models.BooleanField(default=False, verbose_name="default")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ai_providers",
                        to="workflows.connection",
                        verbose_name="connection",
                    ),
                ),
            ],
            options={
                "verbose_name": "AI provider",
                "verbose_name_plural": "AI providers",
                "ordering": ("name", "pk"),
                "permissions": (("use_aiprovider", "Can ask AI providers in workflows"),),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("is_default",),
                        name="one_default_ai_provider",
                    )
                ],
            },
        ),
    ]
