from django.db import migrations

# A snapshot is evidence and cannot be put right afterwards; what it says may be erased, and then nothing else changes.
APPEND_ONLY = """
CREATE FUNCTION pipeline_snapshot_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title = '' AND NEW.content_hash = 'erased-' || OLD.id AND (NEW.company_url_id, NEW.version_id, NEW.first_seen_at)
       IS NOT DISTINCT FROM (OLD.company_url_id, OLD.version_id, OLD.first_seen_at) THEN
        RETURN NEW;
    END IF;
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
