"""The trash of every type of records is found by an index, made while the tables are in use."""

from django.db import migrations, models

from records.index_operations import AddIndexAgain

MODELS = (
    "call", "company", "contact", "conversation", "deal", "email", "feedbacksubmission", "invoice", "lead", "lineitem",
    "meeting", "note", "payment", "project", "quote", "recurringsubscription", "task", "ticket",
)  # fmt: skip


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("crm", "0015_prospecting_agents")]
    operations = [
        AddIndexAgain(
            name,
            models.Index(fields=["deleted_at"], condition=models.Q(deleted_at__isnull=False), name=f"{name}_trash"),
        )
        for name in MODELS
    ]
