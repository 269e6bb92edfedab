"""The test database between two tests: empty, but for what migrations put there. Rows can be put aside and back."""

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

ASIDE = "put_aside"
"""The schema for copies of rows."""

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
    with transaction.atomic(), connection.cursor() as cursor:
        filled = _lock_all_and_list_filled(cursor)
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() == ("on",):
            cursor.execute("SET LOCAL session_replication_role = replica")  # no look at foreign keys: all rows go
        for table in filled:
            cursor.execute(f"DELETE FROM {table}")


def put_rows_aside() -> list[str]:
    """Copy the rows of all tables to a schema of their own, in place of those there; return the tables that have some.

    What migrations made is not copied: it stays where it is.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {ASIDE} CASCADE")
        cursor.execute(f"CREATE SCHEMA {ASIDE}")
        filled = _lock_all_and_list_filled(cursor)
        for table in filled:
            cursor.execute(f"CREATE TABLE {ASIDE}.{table} AS TABLE {table}")
    return filled


def put_rows_back(tables: list[str]) -> None:
    """Store the rows that were put aside, ids and all, in tables that are empty. Foreign keys wait for the commit."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"INSERT INTO {table} SELECT * FROM {ASIDE}.{table}")


def _lock_all_and_list_filled(cursor: CursorWrapper) -> list[str]:
    """Wait for whoever writes to a table, let nobody else begin, and return the tables that have rows, quoted."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [connection.ops.quote_name(name) for name in names if name not in KEPT]
    cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables))
    return [table for (table,) in cursor]
