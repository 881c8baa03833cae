"""What notices about workflows are about, and who wants them by mail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0033_saved_views_and_uses")]

    operations = [
        migrations.AddField(
            "mailwish",
            "workflows",
            models.CharField(
                choices=[("each", "at once"), ("daily", "once a day"), ("none", "never")],
                db_default="daily",
                default="daily",
                max_length=10,
                verbose_name="notices about workflows",
            ),
        ),
        migrations.AddField(
            "notification", "about", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
        migrations.AddField("notification", "mailed_at", models.DateTimeField(null=True)),
    ]
