"""A database that a benchmark makes for itself and drops again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django

NAME = f"leitmotif_benchmark_{os.getpid()}"


@contextmanager
def own_database() -> Iterator[None]:
    """Make, migrate and use a new database, and a Redis prefix, for this process and the workers it starts."""
    from config import embedded

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["REDIS_PREFIX"] = f"{NAME}:"
    embedded.hold()
    _sql(f"CREATE DATABASE {NAME}")
    base, _, _ = _url().rpartition("/")
    os.environ["SECRET_KEY"] = "only for this benchmark"
    os.environ["DATABASE_URL"] = f"{base}/{NAME}"
    try:
        django.setup()
        _migrate()
        yield
    finally:
        _close()
        _sql(f"DROP DATABASE {NAME} WITH (FORCE)", base + "/postgres")


def _url() -> str:
    from config import embedded

    return os.environ.get("DATABASE_URL") or embedded.database_url()


def _sql(statement: str, url: str = "") -> None:
    import psycopg

    with psycopg.connect(url or _url().rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        connection.execute(statement)


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def _close() -> None:
    from django.db import connection

    connection.close()
