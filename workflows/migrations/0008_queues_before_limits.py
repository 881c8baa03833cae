"""An index of those who wait for a limit, made without keeping anybody from writing."""

from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("workflows", "0007_room_for_claims"),
    ]

    operations = [
        AddIndexAgain(
            model_name="enrollment",
            index=models.Index(
                condition=models.Q(
                    ("status", "active"), ("turn", 1), models.Q(("waiting_in", models.F("step")), _negated=True)
                ),
                fields=["workflow", "due_at"],
                name="enrollment_queue",
            ),
        ),
    ]
