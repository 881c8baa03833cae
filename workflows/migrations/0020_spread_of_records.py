"""Tell the planner that few enrollments are of the same record, whichever it saw when it last looked."""

from django.db import migrations

# Statistics taken while one record was tried in every workflow say that all enrollments are of one record; then
# thousands come, and until the next ANALYZE each lookup of a record's enrollments reads the whole table.
SPREAD = "ALTER TABLE workflows_enrollment ALTER COLUMN record_id SET (n_distinct = -0.2)"
AS_SEEN = "ALTER TABLE workflows_enrollment ALTER COLUMN record_id RESET (n_distinct)"


class Migration(migrations.Migration):
    dependencies = [("workflows", "0019_comments")]

    operations = [migrations.RunSQL(SPREAD, AS_SEEN)]
