"""Deliveries that are over are found by when they were; the index is made while deliveries go on."""

from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflows", "0027_ai_providers")]

    operations = [
        AddIndexAgain(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ["done", "skipped"])), fields=["done_at"], name="delivery_over"
            ),
        ),
    ]
