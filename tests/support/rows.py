"""The test database between two tests: empty, but for what migrations put there. Rows can be kept and stored again."""

from collections.abc import Iterable, Mapping

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
    tables = _tables()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables))
        filled = [table for (table,) in cursor]
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() == ("on",):
            cursor.execute("SET LOCAL session_replication_role = replica")  # no look at foreign keys: all rows go
        for table in filled:
            cursor.execute(f"DELETE FROM {table}")


def counts_of_rows() -> dict[str, int]:
    """Return the number of rows of each table, quoted; what migrations made is not counted."""
    tables = _tables()
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables))
        return dict(cursor.fetchall())


def are_empty(tables: Iterable[str]) -> bool:
    """Return whether none of the tables has a row."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {' AND '.join(f'NOT EXISTS (SELECT FROM {table})' for table in tables)}")
        return bool(cursor.fetchone()[0])


def rows_of(tables: Iterable[str]) -> dict[str, bytes]:
    """Return the rows of the tables as PostgreSQL copies them."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            with cursor.copy(f"COPY {table} TO STDOUT") as copied:
                found[table] = b"".join(copied)
    return found


def store_rows(rows: Mapping[str, bytes]) -> None:
    """Store rows of tables again, with their ids. Foreign keys are looked at when the transaction ends."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table, copied in rows.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(copied)


def _tables() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [connection.ops.quote_name(name) for name in names if name not in KEPT]
