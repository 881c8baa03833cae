from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0005_import_runs")]

    operations = [
        migrations.AddField(model_name="segment", name="checked_at", field=models.DateTimeField(null=True)),
    ]
