"""Ends duplicates, where a database has them, and makes sure that there can be none.

The index comes with the table. A database that was filled without it (by an older system, or after somebody dropped
it) gets it here; migrating back takes it away.
"""

from django.db import migrations
from django.utils import timezone

from sessions.upkeep.duplicates import INDEX
from sessions.upkeep.duplicates import end_duplicates


def keep_the_promise(apps, schema_editor):
    end_duplicates(at=timezone.now())


class Migration(migrations.Migration):

    dependencies = [
        ("chat", "0002_messages_users_and_progress"),
    ]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, reverse_sql=f"DROP INDEX IF EXISTS {INDEX}"),
        migrations.RunPython(keep_the_promise, migrations.RunPython.noop),
    ]
