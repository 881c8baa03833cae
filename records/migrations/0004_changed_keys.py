"""The function by which the journal's triggers compare custom properties."""

from django.db import migrations

CREATE = """
CREATE FUNCTION records_changed_keys(one jsonb, other jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg(to_json(key)::text || ':' || COALESCE(one -> key, 'null')::text, ',')
    FROM (SELECT jsonb_object_keys(one) UNION SELECT jsonb_object_keys(other)) AS keys (key)
    WHERE NULLIF(one -> key, 'null') IS DISTINCT FROM NULLIF(other -> key, 'null')
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0003_api_tokens")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION records_changed_keys")]
