"""An index of those who wait for a limit, made without keeping anybody from writing."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("workflows", "0007_room_for_claims"),
    ]

    operations = [
        AddIndexConcurrently(
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
