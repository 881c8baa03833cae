"""What is set aside is tried in the order of the records; a part whose statements take too long is tried for nothing new."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from records.index_operations import AddIndexAgain


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflows", "0020_spread_of_records")]

    operations = [
        migrations.AddField("hindrance", "slow", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("hindrance", "place", models.BigIntegerField(db_default=0, default=0)),
        AddIndexAgain("setaside", models.Index(fields=["hindrance", "record_id", "id"], name="set_aside_records")),
        RemoveIndexConcurrently("setaside", "set_aside"),
    ]
