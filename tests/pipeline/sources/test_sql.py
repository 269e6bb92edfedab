"""Conversations from a PostgreSQL of somebody else: read only, and only what changed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from pipeline.models import Conversation, Source
from pipeline.sources.formats.base import Recognised
from pipeline.sources.ingest import import_live
from pipeline.sources.live.sql import SqlSource
from pipeline.sources.records import Record, UnreadableSource
from pipeline.sources.understanding.speakers import settled

pytestmark = pytest.mark.django_db(transaction=True)

EIGHT = datetime(2026, 5, 2, 8, tzinfo=UTC)
TABLES = """
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.ticket (
    id int, subject text, body text, email text, created_at timestamptz, updated_at timestamptz
);
CREATE TABLE elsewhere.message (
    id int, conversation_id text, role text, body text, sent_at timestamptz, updated_at timestamptz
);
INSERT INTO elsewhere.ticket SELECT n, 'Lamp ' || n, 'It flickers', 'c' || n || '@example.org',
    '2026-05-02T08:00:00Z', '2026-05-02T08:00:00Z' FROM generate_series(1, 5000) n;
INSERT INTO elsewhere.message VALUES
    (1, 'a', 'user', 'It flickers', '2026-05-02T08:00:00Z', '2026-05-02T08:00:00Z'),
    (2, 'b', 'user', 'It jams', '2026-05-02T08:01:00Z', '2026-05-02T08:01:00Z'),
    (3, 'a', 'agent', 'Which one?', '2026-05-02T08:02:00Z', '2026-05-02T08:02:00Z');
"""
Ask = Callable[[str], SqlSource]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Return a function that makes the source of a query on tables of somebody else's."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS elsewhere CASCADE")
        cursor.execute(TABLES)
    database = connection.settings_dict
    url = psycopg.conninfo.make_conninfo(
        host=database["HOST"], port=database["PORT"], user=database["USER"], password=database["PASSWORD"],
        dbname=database["NAME"],
    )  # fmt: skip

    def source(query: str) -> SqlSource:
        monkeypatch.setenv("SQL_TICKETS_URL", url)
        monkeypatch.setenv("SQL_TICKETS_QUERY", query)
        return SqlSource("tickets")

    yield source
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA elsewhere CASCADE")


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_it_is_registered() -> None:
    assert settings.SOURCES["sql"] == "pipeline.sources.live.sql.SqlSource"


def test_a_row_is_a_conversation(ask: Ask) -> None:
    first = next(iter(ask("SELECT * FROM elsewhere.ticket ORDER BY id;").records()))
    assert isinstance(first, Record)
    assert (first.external_id, first.customer, first.occurred_at) == ("1", "c1@example.org", EIGHT)
    assert first.messages[0]["text"] == "Lamp 1\nIt flickers"


def test_rows_of_a_conversation_are_brought_together(ask: Ask) -> None:
    rows = settled(ask("SELECT * FROM elsewhere.message").records(), Recognised())
    roles = {row.external_id: [message["role"] for message in row.messages] for row in rows if isinstance(row, Record)}
    assert roles == {"a": ["customer", "agent"], "b": ["customer"]}


def test_only_what_changed_is_read_again(ask: Ask) -> None:
    ask("SELECT * FROM elsewhere.ticket")
    assert import_live("sql", "tickets")[1].new == 5000
    execute("UPDATE elsewhere.ticket SET updated_at = '2026-05-03T08:00:00Z', body = 'It is dark' WHERE id IN (7, 8)")
    moment = "'2026-05-03T08:00:00Z'"
    execute(f"INSERT INTO elsewhere.ticket VALUES (9999, 'Door', 'It jams', '', {moment}, {moment})")
    execute("UPDATE elsewhere.ticket SET body = 'quietly', updated_at = '2026-05-01T08:00:00Z' WHERE id = 9")
    counts = import_live("sql", "tickets")[1]
    assert (counts.new, counts.updated) == (1, 2)
    again = import_live("sql", "tickets")[1]
    assert (again.new, again.updated, again.unchanged) == (0, 0, 3)
    assert Conversation.objects.get(external_id="9").current_version.text.endswith("It flickers")  # type: ignore[union-attr]


def test_a_new_message_brings_its_whole_conversation(ask: Ask) -> None:
    ask("SELECT * FROM elsewhere.message")
    import_live("sql", "tickets")
    moment = "'2026-05-09T08:00:00Z'"
    execute(f"INSERT INTO elsewhere.message VALUES (4, 'a', 'user', 'The red one', {moment}, {moment})")
    assert import_live("sql", "tickets")[1].updated == 1
    stored = Conversation.objects.get(external_id="a").current_version
    assert stored is not None
    assert [message["text"] for message in stored.messages] == ["It flickers", "Which one?", "The red one"]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM elsewhere.ticket RETURNING id, body AS text",
        "WITH gone AS (DELETE FROM elsewhere.ticket RETURNING *) SELECT * FROM gone",
        "SELECT id, body AS text, setval('elsewhere.numbers', 7) FROM elsewhere.ticket",
        "SELECT 1); DROP TABLE elsewhere.ticket; SELECT (1",
    ],
)
def test_nothing_can_be_written(ask: Ask, query: str) -> None:
    execute("CREATE SEQUENCE elsewhere.numbers")
    with pytest.raises(UnreadableSource, match="sql:tickets cannot be read"):
        list(ask(query).records())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM elsewhere.ticket")
        assert cursor.fetchone() == (5000,)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT nope FROM elsewhere.ticket", "nope"),
        ("SELECT id FROM elsewhere.ticket", "--map text"),
        ("SELEC 1", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(ask: Ask, query: str, says: str) -> None:
    ask(query)
    with pytest.raises(UnreadableSource, match=says):
        import_live("sql", "tickets")
    assert not Source.objects.exists()


def test_what_is_missing_in_the_environment_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableSource, match="needs SQL_MY_SHOP_URL and SQL_MY_SHOP_QUERY in the environment"):
        SqlSource("my shop").records()


def test_a_password_is_never_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQL_TICKETS_URL", "postgresql://reader:topsecret@127.0.0.1:1/none")
    monkeypatch.setenv("SQL_TICKETS_QUERY", "SELECT 1")
    with pytest.raises(UnreadableSource) as refused:
        SqlSource("tickets").records()
    assert "topsecret" not in str(refused.value)
