"""Lists, and how records are found by what time does to their dates."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

# A custom property's date as the index that finds it needs it: the same whatever the session's settings. What moves
# with the clock ("today") is not a value anybody may store, and would make the functions lie.
DATES = r"""
CREATE FUNCTION records_instant(value text) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD' AS $$
    SELECT CASE WHEN value ~ '^\d' AND pg_input_is_valid(value, 'timestamptz') THEN value::timestamptz END
$$;
CREATE FUNCTION records_day(value text) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD' AS $$
    SELECT CASE WHEN value ~ '^\d' AND pg_input_is_valid(value, 'date') THEN value::date END
$$;
"""
# Small and cheap to keep: rows of the journal lie in the order of their time.
MOMENTS = "CREATE INDEX records_change_at ON records_change USING brin (at) WITH (autosummarize = on)"


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0003_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="segment",
            name="check_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="segment",
            name="indexed",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="segment",
            name="criteria",
            field=models.JSONField(null=True),
        ),
        migrations.CreateModel(
            name="RecordList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
                    models.CharField(
                        max_length=50,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9][a-z0-9-]{0,49}\\Z",
                                "Use small letters, digits and hyphens, 50 at most, and begin with a letter or digit.",
                            )
                        ],
                        verbose_name="internal name",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("object_type", models.CharField(max_length=50, verbose_name="object type")),
                (
                    "kind",
                    models.CharField(
                        choices=[("static", "Static"), ("active", "Active")], max_length=10, verbose_name="kind"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created"
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="last changed")),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "segment",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="record_list",
                        to="records.segment",
                    ),
                ),
            ],
            options={
                "verbose_name": "list",
                "verbose_name_plural": "lists",
                "ordering": ("name", "id"),
            },
        ),
        migrations.CreateModel(
            name="ListWork",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("add", "add"), ("remove", "remove")], max_length=10)),
                (
                    "record_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("criteria", models.JSONField(null=True)),
                ("time_zone", models.CharField(default="UTC", max_length=64)),
                ("as_of", models.DateTimeField()),
                ("done", models.BigIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Done"), ("failed", "Stopped")],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("message", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "record_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="work", to="records.recordlist"
                    ),
                ),
            ],
            options={
                "verbose_name": "work on a list",
                "verbose_name_plural": "work on lists",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(condition=models.Q(("status", "waiting")), fields=["id"], name="list_work_to_do")
                ],
            },
        ),
        migrations.RunSQL(DATES, "DROP FUNCTION records_instant; DROP FUNCTION records_day"),
        migrations.RunSQL(MOMENTS, "DROP INDEX records_change_at"),
    ]
