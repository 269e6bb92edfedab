"""Old code works on a newer schema: after a release a migration only adds, and what it adds may be left out."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

RELEASED: dict[str, str] = {}
"""The newest migration of the last release, by app. Empty: nothing is released, so nobody runs code of before."""

TAKES_AWAY = (
    migrations.RemoveField, migrations.DeleteModel, migrations.RenameField, migrations.RenameModel,
    migrations.AlterModelTable,
)  # fmt: skip


def breaks_old_code(operations: Iterable[Any]) -> Iterator[str]:
    """Yield what of these operations code of before cannot live with."""
    every = list(operations)
    new = {each.name.lower() for each in every if isinstance(each, migrations.CreateModel)}  # it does not write there
    for each in every:
        if isinstance(each, TAKES_AWAY):
            yield each.describe()
        is_added = isinstance(each, migrations.AddField) and each.model_name.lower() not in new
        if is_added and not may_be_left_out(each.field):
            yield f"{each.describe()}, which has to be given"


def may_be_left_out(field: Any) -> bool:
    """Whether an INSERT that does not know a column still makes a row."""
    return bool(field.null or field.has_db_default() or field.many_to_many or field.primary_key)


@pytest.mark.django_db
def test_no_migration_after_the_last_release_breaks_its_code() -> None:
    loader = MigrationLoader(connection, ignore_no_migrations=True)
    later = [
        operation
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if app in RELEASED and name > RELEASED[app]
        for operation in migration.operations
    ]
    assert list(breaks_old_code(later)) == []


def test_columns_that_are_empty_or_have_a_default_in_the_database_do_not() -> None:
    added = [
        migrations.AddField("call", "erased_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("conversationversion", "erased_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("run", "removed_count", models.PositiveIntegerField(db_default=0)),
        migrations.AddField("theme", "erased_at", models.DateTimeField(blank=True, null=True)),
    ]
    assert list(breaks_old_code(added)) == []


@pytest.mark.parametrize(
    ("field", "breaks"),
    [
        (models.TextField(), True),
        (models.IntegerField(default=0), True),  # Django's own default is not the database's
        (models.IntegerField(db_default=0), False),
        (models.TextField(null=True), False),
    ],
)
def test_a_column_that_old_code_would_have_to_know_is_told(field: Any, breaks: bool) -> None:
    assert bool(list(breaks_old_code([migrations.AddField("run", "more", field)]))) == breaks
    created = migrations.CreateModel("Run", [])
    assert list(breaks_old_code([created, migrations.AddField("run", "more", field)])) == []


def test_what_takes_away_is_told() -> None:
    assert len(list(breaks_old_code([migrations.RemoveField("run", "state"), migrations.DeleteModel("run")]))) == 2
