"""Enrollments that ended before the end of their workflow are listed by their own index, made while it is in use."""

from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflows", "0038_mass_moves")]

    operations = [
        AddIndexAgain(
            model_name="enrollment",
            index=models.Index(
                fields=["workflow", "status", "-id"],
                condition=models.Q(("status__in", ("unenrolled", "failed", "refused"))),
                name="enrollment_ended_early",
            ),
        ),
    ]
