from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0012_mass_enrollments"),
    ]

    operations = [
        migrations.CreateModel(
            name="Timing",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=10)),
                ("bucket", models.PositiveSmallIntegerField()),
                ("count", models.BigIntegerField(default=0)),
                ("seconds", models.FloatField(default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("kind", "bucket"), name="one_timing_per_bucket")],
            },
        ),
    ]
