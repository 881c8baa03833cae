from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0008_queues_before_limits"),
    ]

    operations = [
        migrations.AlterField(
            model_name="subscription",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("trigger", "trigger"),
                    ("reenrollment", "re-enrollment"),
                    ("unenrollment", "unenrollment"),
                    ("goal", "goal"),
                    ("suppression", "suppression"),
                ],
                default="trigger",
                max_length=15,
            ),
        ),
    ]
