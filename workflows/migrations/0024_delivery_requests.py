"""Requests wait in lanes; the index is made while deliveries go on."""

from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflows", "0023_connections")]

    operations = [
        AddIndexAgain(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("kind", "webhook"), ("state", "pending")),
                fields=["lane", "due_at"],
                name="delivery_requests",
            ),
        ),
    ]
