"""The database that every test process copies: made by the migrations once, and kept until they change.

To migrate takes five seconds of processor time, to copy a tenth of one. Copies are migrated as well, which then only
finds that nothing is left to do: so one that is out of date would be brought up to date.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper

ROOT = Path(__file__).resolve().parents[2]
MADE_FROM = ("requirements.txt", "config/settings.py", "pipeline/migrations", "pipeline/models", "sessions")
"""What the tables, the permissions and the rows of migrations come from; a migration uses a name of `sessions`."""

PREFIX = "leitmotif_template_"
KEPT = 3  # for those who go to and fro between branches
LOCK = 0x7E3B1A7E  # an advisory lock in the database `postgres`, of whoever looks for the template or makes it
PATIENCE = "300s"  # while another test process makes it


def template() -> str:
    """Return the name of a database with all migrations applied; make it if there is none.

    As long as it may be connected to it is unfinished: its maker was killed.
    """
    name = PREFIX + _fingerprint()
    with connection._nodb_cursor() as cursor, _alone(cursor):
        cursor.execute("SELECT datname, datallowconn FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        if dict(cursor).get(name) is not False:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
            _migrate(name)
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            _drop_old_ones(cursor)
    return name


def _fingerprint() -> str:
    """Return a short hash of the files that the database is made from."""
    digest = hashlib.sha256()
    for path in sorted(file for place in MADE_FROM for file in _files(ROOT / place)):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _files(place: Path) -> Iterator[Path]:
    return place.rglob("*.py") if place.is_dir() else iter([place])


@contextmanager
def _alone(cursor: CursorWrapper) -> Iterator[None]:
    cursor.execute("SELECT set_config('lock_timeout', %s, false), pg_advisory_lock(%s)", [PATIENCE, LOCK])
    yield  # the cursor's connection is closed right after, and lets go of it


def _migrate(name: str) -> None:
    """Migrate the database of this name, and let go of it: one that somebody is connected to cannot be copied."""
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _drop_old_ones(cursor: CursorWrapper) -> None:
    """Drop all but the newest: the numbers of databases ascend."""
    newest_first = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY oid DESC"
    cursor.execute(newest_first, [PREFIX])
    for (old,) in cursor.fetchall()[KEPT:]:
        cursor.execute(f"DROP DATABASE {old}")
