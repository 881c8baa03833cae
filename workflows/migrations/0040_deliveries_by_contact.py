"""Deliveries to a contact are found when it is erased; the index is made while deliveries go on."""

import django.db.models.fields.json
from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflows", "0039_enrollments_ended_early")]

    operations = [
        AddIndexAgain(
            model_name="delivery",
            index=models.Index(
                django.db.models.fields.json.KT("request__contact"),
                condition=models.Q(("request__has_key", "contact")),
                name="delivery_contact",
            ),
        ),
    ]
