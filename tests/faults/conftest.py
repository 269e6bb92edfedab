"""A PostgreSQL that a test may end: the one that all tests share must stay up."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config import embedded


@pytest.fixture(scope="session")
def _private_postgres() -> Iterator[embedded.Postgres]:
    folder = Path(tempfile.gettempdir()) / f"leitmotif-test-{os.getpid()}-postgres"
    folder.mkdir(mode=0o755, exist_ok=True)
    embedded.hold(folder, postgres=True, valkey=False)
    server = embedded.Postgres(folder)
    yield server
    server.erase()
    shutil.rmtree(folder)


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
        forget_everything()
    else:
        call_command("migrate", verbosity=0)
    yield _private_postgres
    _connect(**shared)


def _connect(**where: object) -> None:
    connection.close()
    connection.settings_dict.update(where)


def forget_everything() -> None:
    """Empty the database, as the end of a test does; numbers are not used again."""
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True)
