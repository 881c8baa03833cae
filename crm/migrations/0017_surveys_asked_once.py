"""Of two who ask a contact by one survey at once, one does; of two answers of one browser at once, one counts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0016_trash")]

    operations = [
        migrations.CreateModel(
            name="SurveyTurn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asked_at", models.DateTimeField()),
                (
                    "contact",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.contact",
                    ),
                ),
                (
                    "survey",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crm.survey",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("contact", "survey"), name="one_turn_of_a_survey"),
                ],
            },
        ),
        migrations.AddField(
            model_name="surveyresponse",
            name="once",
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        # Of no response there is so far: nothing is sorted while the table is held.
        migrations.AddConstraint(
            model_name="surveyresponse",
            constraint=models.UniqueConstraint(
                condition=models.Q(("once__isnull", False)),
                fields=("survey", "once"),
                name="one_response_of_a_browser",
            ),
        ),
    ]
