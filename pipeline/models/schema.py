"""What the database must be like before anything is written: its migrations, and the constraints promised."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.migrations.executor import MigrationExecutor

APPS = ("pipeline", "chat")
"""The apps, by label, whose tables are ours."""

Promise = models.Index | models.BaseConstraint


@dataclass(frozen=True, slots=True)
class BrokenPromise:
    """A constraint or index of a model that the database does not have, or has in a state in which it does not hold."""

    name: str
    table: str
    is_there: bool
    cure: str

    def __str__(self) -> str:
        promised = self.name.replace("_", " ")
        what = "exists but is not valid" if self.is_there else "is missing"
        return f"{self.name} of the table {self.table} {what} (it guarantees: {promised})"


def unapplied_migrations() -> list[str]:
    """Return the migrations, as `app.name`, that this code has and the database has not."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def unknown_migrations() -> list[str]:
    """Return the migrations of our apps, as `app.name`, that the database has and this code does not know."""
    loader = MigrationExecutor(connection).loader
    unknown = set(loader.applied_migrations) - set(loader.disk_migrations)
    return sorted(f"{app}.{name}" for app, name in unknown if app in APPS)


def staleness() -> str:
    """Return a sentence that says which migrations not applied; empty when the tables are up to date."""
    if not (missing := unapplied_migrations()):
        return ""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    are = "are" if len(missing) > 1 else "is"
    return f"the tables are not up to date: {', '.join(missing[:3])}{more} {are} not applied"


def identity() -> str:
    """Return what tells this database from every other: its name and the moment of its first migration."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), applied FROM django_migrations ORDER BY id LIMIT 1")
        name, made_at = cursor.fetchone() or ("", None)
    return f"{name} {made_at.isoformat() if made_at else 'empty'}"


def broken_promises() -> list[BrokenPromise]:
    """Return each named constraint and index of our models that PostgreSQL does not have, or does not enforce."""
    found = _found()
    broken = []
    for model, promise in _promises():
        # by table and name: PostgreSQL allows one name in two tables
        here = found.get((model._meta.db_table, promise.name))
        if here is None or not here.keeps(promise):
            cure = _cure(model, promise, here)
            broken.append(BrokenPromise(promise.name, model._meta.db_table, is_there=here is not None, cure=cure))
    return broken


def _promises() -> Iterator[tuple[type[models.Model], Promise]]:
    for label in APPS:
        for model in apps.get_app_config(label).get_models():
            if model._meta.managed:
                yield from ((model, promise) for promise in (*model._meta.constraints, *model._meta.indexes))


@dataclass(frozen=True, slots=True)
class _Found:
    """What PostgreSQL knows of a constraint or index."""

    is_valid: bool
    is_unique: bool

    def keeps(self, promise: Promise) -> bool:
        return self.is_valid and (self.is_unique or not isinstance(promise, models.UniqueConstraint))


# A unique constraint is in both catalogues under one name; it holds if it does in both. An index that was built
# CONCURRENTLY and failed is there, but is not valid.
_FOUND = """
SELECT owner, name, bool_and(is_valid), bool_or(is_unique) FROM (
    SELECT owner.relname AS owner, index.relname AS name, entry.indisvalid AND entry.indisready AS is_valid,
           entry.indisunique AS is_unique
    FROM pg_index entry JOIN pg_class index ON index.oid = entry.indexrelid
    JOIN pg_class owner ON owner.oid = entry.indrelid WHERE pg_table_is_visible(owner.oid)
    UNION ALL
    SELECT owner.relname, entry.conname, entry.convalidated, entry.contype = 'u'
    FROM pg_constraint entry JOIN pg_class owner ON owner.oid = entry.conrelid WHERE pg_table_is_visible(owner.oid)
) AS found GROUP BY owner, name
"""


def _found() -> dict[tuple[str, str], _Found]:
    with connection.cursor() as cursor:
        cursor.execute(_FOUND)
        return {(table, name): _Found(*known) for table, name, *known in cursor.fetchall()}


def _cure(model: type[models.Model], promise: Promise, here: _Found | None) -> str:
    """Return the SQL that restores a promise."""
    table, name = (connection.ops.quote_name(word) for word in (model._meta.db_table, promise.name))
    if here is None:
        return _definition(model, promise)
    if isinstance(promise, models.CheckConstraint):
        return f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
    if not here.is_valid:
        return f"REINDEX INDEX {name};"
    return f"DROP INDEX {name}; {_definition(model, promise)}"


def _definition(model: type[models.Model], promise: Promise) -> str:
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        if isinstance(promise, models.Index):
            editor.add_index(model, promise)
        else:
            editor.add_constraint(model, promise)
    statements: list[Any] = editor.collected_sql
    return " ".join(map(str, statements))
