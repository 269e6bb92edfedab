"""The whole database as one file, and back: by PostgreSQL's own pg_dump and pg_restore.

The embedded server brings them along; for a server of your own they are taken from the PATH. Nothing but the database
is in the file: SECRET_KEY and uploaded files are not.
"""

import os
import subprocess
from pathlib import Path

from django.conf import settings
from django.db import connection

from pipeline.models import Run
from pipeline.models.refusal import Refusal


class BackupFailed(Refusal):
    """A backup could not be written, or not be read back; the message has PostgreSQL's own words."""


def back_up(file: Path) -> int:
    """Write the database to a file, while work goes on, and return its bytes; it appears complete or not at all.

    What is in it is the state of one moment. An older backup is replaced, any other file is not: BackupFailed.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    if file.exists() and not _is_backup(file):
        raise BackupFailed(f"{file} exists and is no backup, so it is not replaced. Choose another name.")
    try:
        unfinished.touch(mode=0o600)  # it holds what customers said
        _call("pg_dump", "--format=custom", f"--file={unfinished}")
        unfinished.replace(file)
    except OSError as error:
        raise BackupFailed(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def _is_backup(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(5) == b"PGDMP"  # what pg_dump's own format begins with
    except OSError:
        return False


def restore(file: Path) -> None:
    """Put the database back as it is in a file, in one transaction: all or nothing. BackupFailed if a run is live.

    Workers and web servers have to be stopped: what they write meanwhile is lost.
    """
    if not file.is_file():
        raise BackupFailed(f"there is no file {file}.")
    _call("pg_restore", "--list", str(file), quiet=True)  # a file that is none is found before anything is dropped
    if "pipeline_run" in connection.introspection.table_names():
        live = list(Run.objects.filter(state__in=Run.LIVE).values_list("pk", flat=True)[:5])
        if live:
            raise BackupFailed(f"run {live[0]} is live. Stop it and the workers first: ./manage.py stop_run {live[0]}")
    connection.close()
    name = str(connection.settings_dict["NAME"])
    _call(
        "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error",
        f"--dbname={name}", str(file),
    )  # fmt: skip


def _call(name: str, *words: str, quiet: bool = False) -> None:
    program = settings.PG_PROGRAM(name)
    if not program:
        raise BackupFailed(
            f"{name} is not installed here. Install PostgreSQL's client programs, of the server's version."
        )
    output = subprocess.DEVNULL if quiet else None
    done = subprocess.run(
        [program, *words], env={**os.environ, **_connection()}, stdout=output, stderr=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupFailed(f"{name} failed: {' '.join(done.stderr.split())[:500]}")


def _connection() -> dict[str, str]:
    """Return what libpq's programs are told by: the environment, for other users can read the words of a command."""
    given = connection.settings_dict
    told = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    found = {variable: str(given[name]) for variable, name in told.items() if given.get(name)}
    options = given.get("OPTIONS") or {}
    return found | {f"PG{name.upper()}": str(options[name]) for name in ("sslmode", "sslrootcert") if name in options}
