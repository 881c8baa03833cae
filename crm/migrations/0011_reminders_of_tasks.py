from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("crm", "0010_queues_reminders_capacities"),
    ]

    operations = [
        AddIndexAgain(
            model_name="task",
            index=models.Index(
                condition=models.Q(
                    ("remind_at__isnull", False),
                    models.Q(("reminded_at", None), ("reminded_at__lt", models.F("remind_at")), _connector="OR"),
                ),
                fields=["remind_at"],
                name="task_to_remind",
            ),
        ),
    ]
