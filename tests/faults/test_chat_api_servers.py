"""PostgreSQL or the queue is away: front ends are told to try again, or need not know; nothing is lost or doubled."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from config.embedded import Postgres
from tests.faults.conftest import environment_of
from tests.sessions.front_end import FrontEnd
from tests.sessions.web import WebServer


@pytest.fixture
def front_end(chats_postgres: Postgres) -> Iterator[FrontEnd]:
    """In front of a web server that uses it, and a queue that cannot be reached."""
    token = manage(
        chats_postgres, "api_token", "make", "front end", "--scope", "chat_read", "--scope", "chat_write"
    ).strip()
    web = WebServer(**environment_of(chats_postgres))
    yield FrontEnd(web.url, token)
    web.stop()


def manage(server: Postgres, *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, env=environment_of(server), check=True, timeout=240, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def test_a_message_is_kept_though_the_queue_is_away(front_end: FrontEnd, chats_postgres: Postgres) -> None:
    sent = front_end.send("hello", key="key-1")
    assert sent.status == 202
    assert front_end.get(sent.body["poll"]).body["message"]["state"] == "received"


def test_without_the_database_callers_are_told_to_try_again(front_end: FrontEnd, chats_postgres: Postgres) -> None:
    first = front_end.send("hello", key="key-1")
    assert first.status == 202
    chats_postgres.stop()
    for _ in range(4):  # each process and thread notices by itself
        away = front_end.send("hello", key="key-2")
        assert (away.status, away.body["code"]) == (503, "unavailable")
        assert int(away.headers["Retry-After"]) > 0
        assert front_end.get("/metrics").status == 503
    chats_postgres.start()
    again = [front_end.send("hello", key=key) for key in ("key-1", "key-2") for _ in range(4)]
    assert [each.status for each in again] == [202] * 8
    assert again[0].body == first.body
    with psycopg.connect(chats_postgres.url) as connection:
        counts = connection.execute("SELECT (SELECT count(*) FROM chat_message), (SELECT count(*) FROM chat_session)")
        assert counts.fetchone() == (2, 1)
