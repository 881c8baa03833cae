"""The time of an operation is given by who applies it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0003_waiting_step")]

    operations = [migrations.AlterField(model_name="draftop", name="at", field=models.DateTimeField())]
