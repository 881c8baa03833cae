from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0009_marketing_contacts"),
    ]

    operations = [
        migrations.CreateModel(
            name="TaskQueue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
                    models.SlugField(
                        help_text="Stays as it is: tasks and workflows use it.",
                        max_length=60,
                        unique=True,
                        verbose_name="internal name",
                    ),
                ),
                ("name", models.CharField(max_length=120, unique=True, verbose_name="name")),
            ],
            options={
                "verbose_name": "task queue",
                "verbose_name_plural": "task queues",
                "ordering": ("name",),
            },
        ),
        migrations.AddField(
            model_name="task",
            name="queue",
            field=models.CharField(blank=True, db_default="", max_length=60, verbose_name="queue"),
        ),
        migrations.AddField(
            model_name="task",
            name="remind_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="reminder"),
        ),
        migrations.AddField(
            model_name="task",
            name="reminded_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="reminded"),
        ),
        migrations.AddField(
            model_name="user",
            name="ticket_capacity",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Rotation gives nobody more tickets than that. Leave it empty for no limit.",
                null=True,
                verbose_name="open tickets at most",
            ),
        ),
    ]
