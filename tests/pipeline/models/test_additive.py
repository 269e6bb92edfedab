"""Old code works on a newer schema: migrations after the first only add, and what they add may be left out."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

FIRST = {
    ("pipeline", "0001_initial"),
    ("pipeline", "0002_signature_root"),
    ("pipeline", "0003_snapshots_are_append_only"),
}
BEFORE_THE_FIRST_RELEASE = {("chat", f"000{number}") for number in range(1, 7)}
"""Migrations of development: nobody runs code of before them."""

TAKES_AWAY = (
    migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel,
    migrations.AlterModelTable,
)  # fmt: skip


def later() -> Iterator[tuple[str, Any]]:
    """Yield the operations of our later migrations, each with the migration's name."""
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        is_ours = app in ("pipeline", "chat")
        if is_ours and (app, name) not in FIRST and (app, name[:4]) not in BEFORE_THE_FIRST_RELEASE:
            yield from ((f"{app}.{name}", operation) for operation in migration.operations)


def may_be_left_out(field: Any) -> bool:
    """Whether an INSERT that does not know a column still makes a row."""
    return bool(field.null or field.has_db_default() or field.many_to_many or field.primary_key)


@pytest.mark.django_db
def test_a_column_that_is_added_may_be_left_out() -> None:
    added = [(name, each) for name, each in later() if isinstance(each, migrations.AddField)]
    assert added
    assert [f"{name}: {each.model_name}.{each.name}" for name, each in added if not may_be_left_out(each.field)] == []


@pytest.mark.django_db
def test_nothing_is_taken_away_or_renamed() -> None:
    assert [f"{name}: {each.describe()}" for name, each in later() if isinstance(each, TAKES_AWAY)] == []


def test_a_column_that_old_code_would_have_to_know_is_told() -> None:
    assert not may_be_left_out(models.TextField())
    assert not may_be_left_out(models.IntegerField(default=0))  # Django's own default is not the database's
    assert may_be_left_out(models.IntegerField(db_default=0))
    assert may_be_left_out(models.TextField(null=True))
