"""A merge may change what a contact subscribes to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0005_tracking"),
    ]

    operations = [
        migrations.AlterField(
            model_name="subscription",
            name="source",
            field=models.CharField(
                choices=[
                    ("admin", "Entered by a person"),
                    ("api", "Through the API"),
                    ("workflow", "By a workflow"),
                    ("merge", "By a merge with another contact"),
                    ("form", "By a form"),
                    ("contact", "By the contact"),
                ],
                max_length=10,
                verbose_name="source",
            ),
        ),
        migrations.AlterField(
            model_name="subscriptionchange",
            name="source",
            field=models.CharField(
                choices=[
                    ("admin", "Entered by a person"),
                    ("api", "Through the API"),
                    ("workflow", "By a workflow"),
                    ("merge", "By a merge with another contact"),
                    ("form", "By a form"),
                    ("contact", "By the contact"),
                ],
                max_length=10,
                verbose_name="source",
            ),
        ),
    ]
