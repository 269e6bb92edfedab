from django.db import migrations

# Snapshots are evidence: what was seen once is never put right afterwards.
APPEND_ONLY = """
CREATE FUNCTION pipeline_snapshot_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'snapshots_are_append_only: a snapshot cannot be changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER snapshots_are_append_only BEFORE UPDATE ON pipeline_snapshot
    FOR EACH ROW EXECUTE FUNCTION pipeline_snapshot_is_append_only();
"""
NOT_ANY_MORE = """
DROP TRIGGER snapshots_are_append_only ON pipeline_snapshot;
DROP FUNCTION pipeline_snapshot_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0002_signature_root")]
    operations = [migrations.RunSQL(APPEND_ONLY, NOT_ANY_MORE)]
