"""A PostgreSQL that a test may end: the one that all tests share must stay up."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config import embedded
from tests.config.folders import temporary_folder
from tests.support.rows import delete_rows


@pytest.fixture(scope="session")
def _private_postgres() -> Iterator[embedded.Postgres]:
    folder = Path(tempfile.gettempdir()) / f"leitmotif-test-{os.getpid()}-postgres"
    folder.mkdir(mode=0o755, exist_ok=True)
    embedded.hold(folder, postgres=True, valkey=False)
    server = embedded.Postgres(folder)
    yield server
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _chats_postgres() -> Iterator[embedded.Postgres]:
    with temporary_folder("chats-") as folder, embedded.Postgres(folder / "local") as server:
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
        subprocess.run(migrate, env=environment_of(server), check=True, timeout=240)
        yield server


@pytest.fixture
def chats_postgres(_chats_postgres: embedded.Postgres) -> embedded.Postgres:
    """A PostgreSQL beside that of the tests, with the tables of the chats and no rows; a test may stop and start it."""
    with psycopg.connect(_chats_postgres.url) as connection:
        connection.execute("TRUNCATE chat_session, chat_message, pipeline_apitoken CASCADE")
    return _chats_postgres


def environment_of(server: embedded.Postgres) -> dict[str, str]:
    """Return the environment of a process that works on this server, and has no queue."""
    return {
        **os.environ,
        "DATABASE_URL": server.url,
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody is there
        "SECRET_KEY": "only for this test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


@pytest.fixture
def own_postgres(
    transactional_db: None, _private_postgres: embedded.Postgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[embedded.Postgres]:
    """An empty database on a PostgreSQL of this test process's own, for the test and the workers it starts.

    Its keeper starts it again when the test ends it.
    """
    shared = dict(connection.settings_dict)
    monkeypatch.setenv("DATABASE_URL", _private_postgres.url)
    monkeypatch.setenv("SECRET_KEY", settings.SECRET_KEY)
    _connect(HOST=str(_private_postgres.sockets), PORT="", NAME="leitmotif", USER="leitmotif", PASSWORD="", OPTIONS={})
    if "pipeline_run" in connection.introspection.table_names():
        delete_rows()
    else:
        call_command("migrate", verbosity=0)
    yield _private_postgres
    _connect(**shared)


def _connect(**where: object) -> None:
    connection.close()
    connection.settings_dict.update(where)
