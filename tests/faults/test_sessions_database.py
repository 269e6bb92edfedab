"""The database goes away under load and comes back: callers succeed or are told to try again, and nothing is wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from config.embedded import Postgres
from tests.faults.conftest import environment_of

CALLERS = 16
SECONDS = 6.0


def stop_and_start(server: Postgres) -> None:
    server.stop()
    time.sleep(0.3)
    server.start()


def kill_and_start(server: Postgres) -> None:
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(0.3)
    server.start()


def end_all_connections(server: Postgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


@pytest.mark.parametrize(
    "disturb",
    [kill_and_start, *(pytest.param(way, marks=pytest.mark.slow) for way in (stop_and_start, end_all_connections))],
)
def test_callers_succeed_or_are_told_to_try_again(
    chats_postgres: Postgres, disturb: Callable[[Postgres], None]
) -> None:
    load = subprocess.Popen(
        [sys.executable, "-m", "tests.sessions.load", str(CALLERS), str(SECONDS)],
        env=environment_of(chats_postgres), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert load.stdout
    assert load.stdout.readline() == "sending\n"
    for _ in range(3):
        time.sleep(1)
        disturb(chats_postgres)
    answer, _ = load.communicate(timeout=240)
    assert_rows_say_what_callers_were_told(chats_postgres, Counter(json.loads(answer)))


def assert_rows_say_what_callers_were_told(server: Postgres, told: Counter[str]) -> None:
    """Every message is there once, counted once; a duplicate is one whose first answer got lost on the way."""
    sent, retried = told.pop("sent"), told.pop("told to try again")
    assert retried > 0
    assert set(told) <= {"new", "duplicate"}
    assert sent == sum(told.values())
    with psycopg.connect(server.url) as connection:
        row = connection.execute(
            """
            SELECT (SELECT count(*) FROM chat_message), (SELECT count(*) FROM chat_message WHERE session_id IS NULL),
                   (SELECT count(*) + sum(reuse_count) FROM chat_session),
                   (SELECT max(n) FROM (SELECT count(*) AS n FROM chat_session WHERE state = 'active' GROUP BY user_id))
            """
        ).fetchone()
    assert row == (sent, 0, sent, 1)
