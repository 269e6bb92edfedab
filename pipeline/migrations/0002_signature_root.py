from django.db import migrations

CREATE = """
CREATE VIEW pipeline_signature_root AS
WITH RECURSIVE standing AS (
    SELECT child_id, parent_id FROM pipeline_merge WHERE undone_at IS NULL
), root (signature_id, root_id) AS (
    SELECT id, id FROM pipeline_signature WHERE NOT EXISTS (SELECT FROM standing WHERE child_id = id)
    UNION ALL
    SELECT standing.child_id, root.root_id FROM standing JOIN root ON standing.parent_id = root.signature_id
)
SELECT signature_id, root_id FROM root
"""


class Migration(migrations.Migration):
    dependencies = [("pipeline", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, "DROP VIEW pipeline_signature_root")]
