"""The notices about workflows that have been in no mail yet: there are few, among all notifications there are."""

from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workflows", "0034_notices")]

    operations = [
        AddIndexAgain(
            "notification",
            models.Index(
                fields=["created_at"],
                condition=models.Q(mailed_at=None) & ~models.Q(about=""),
                name="notification_unmailed",
            ),
        ),
    ]
