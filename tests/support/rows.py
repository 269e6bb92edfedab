"""The test database between two tests: empty, but for what migrations put there."""

from django.db import connection, transaction

KEPT = {
    "django_migrations", "django_content_type", "auth_permission",
    "auth_group", "auth_group_permissions",  # the roles, which a migration made
}  # fmt: skip


def delete_rows() -> None:
    """Delete the rows of the tables that have some, as after a test that commits. What migrations made stays.

    Django truncates all tables and makes its permissions again: a third of a second, where this takes a hundredth.
    Like that it waits for whoever is writing just now, such as a worker that still answers, and forgets the ids of
    content types: a test may have looked at another database.
    """
    from django.contrib.contenttypes.models import ContentType  # not before the apps are loaded

    ContentType.objects.clear_cache()
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [connection.ops.quote_name(name) for name in names if name not in KEPT]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables))
        filled = [table for (table,) in cursor]
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() == ("on",):
            cursor.execute("SET LOCAL session_replication_role = replica")  # no look at foreign keys: all rows go
        for table in filled:
            cursor.execute(f"DELETE FROM {table}")
