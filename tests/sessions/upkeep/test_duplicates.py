"""A database that has users with two active sessions: found, mended, and made impossible again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor

from sessions.models import Session
from sessions.upkeep.duplicates import INDEX

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def migrate(name: str = "") -> None:
    """Migrate the app to that migration, and what builds on it; without a name all apps to the latest."""
    executor = MigrationExecutor(connection)
    executor.migrate([("chat", name)] if name else executor.loader.graph.leaf_nodes())


def has_index() -> bool:
    with connection.cursor() as cursor:
        return INDEX in connection.introspection.get_constraints(cursor, Session._meta.db_table)


def dedupe(*words: str) -> str:
    out = StringIO()
    call_command("dedupe_sessions", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def before_the_promise() -> Iterator[None]:
    """The database as it was before the migration that makes the promise."""
    migrate("0002_messages_users_and_progress")
    assert not has_index()
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chat_session")  # the other tables may not be what the models say
    migrate()


def duplicates() -> tuple[Session, list[Session]]:
    """Three active sessions of Alice, of which the second was used last; return it and the others. Bob has one."""
    made = [
        Session.objects.create(user_id="alice", started_at=NOON, last_message_at=NOON + hours * HOUR)
        for hours in (1, 3, 2)
    ]
    Session.objects.create(user_id="bob", started_at=NOON, last_message_at=NOON)
    return made[1], [made[0], made[2]]


@pytest.mark.usefixtures("before_the_promise")
def test_the_migration_keeps_the_most_recent_and_ends_the_others() -> None:
    made = duplicates()
    migrate("0003_one_active_session")
    assert_that_the_promise_holds(*made)


@pytest.mark.usefixtures("without_the_index")
def test_the_command_keeps_the_most_recent_and_ends_the_others() -> None:
    made = duplicates()
    dedupe()
    assert_that_the_promise_holds(*made)


def assert_that_the_promise_holds(kept: Session, others: list[Session]) -> None:
    """Look at the rows of `duplicates`, and try to add one more."""
    active = Session.objects.filter(state="active").order_by("user_id")
    assert [session.user_id for session in active] == ["alice", "bob"]
    assert active[0] == kept
    for session in others:
        session.refresh_from_db()
        assert (session.state, session.ended_reason) == ("ended", "duplicate_cleanup")
    assert has_index()
    with pytest.raises(IntegrityError, match=INDEX):
        Session.objects.create(user_id="alice", started_at=NOON, last_message_at=NOON)


@pytest.mark.usefixtures("without_the_index")
def test_a_dry_run_says_the_same_and_ends_nothing() -> None:
    kept, others = duplicates()
    said = dedupe("--dry-run")
    assert [f"session {each.pk} of alice: would be ended, {kept.pk} is kept" in said for each in others] == [True] * 2
    assert Session.objects.filter(state="active").count() == 4
    assert not has_index()
    assert dedupe().replace("ended", "would be ended") == said


def test_a_sound_database_is_left_alone() -> None:
    Session.objects.create(user_id="alice", started_at=NOON, last_message_at=NOON)
    assert dedupe() == "0 duplicate sessions ended.\n"
    assert Session.objects.get().is_active


def test_the_index_is_the_one_the_model_names() -> None:
    """The migration writes it as SQL; it must stay what the model says, or the two would drift apart."""
    promise = next(each for each in Session._meta.constraints if each.name == INDEX)
    with connection.schema_editor(collect_sql=True) as editor:
        wanted = str(promise.create_sql(Session, editor))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [INDEX])
        before = cursor.fetchone()[0]
        cursor.execute(f"DROP INDEX {INDEX}")
        cursor.execute(wanted)
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [INDEX])
        assert cursor.fetchone()[0] == before
