"""Real servers where no URL names one: PostgreSQL and Valkey (the Redis protocol) out of wheels, under `.local/`.

`database_url()` and `redis_url()` only say where the servers listen. `hold()` makes sure that they do, until this
process ends, however it ends.

Each server has a keeper, a small process of its own, and two lock files. Every user of the server holds `users` shared
for life; the system lets go of it even after kill -9. The keeper starts the server, starts it again should it die, and
tries to get `users` for itself: when it succeeds nobody is left, so it stops the server and ends. `keeper` is held
by the keeper alone. Whoever finds it free takes it, and hands it to the keeper it spawns; so there is never a second.

For people: `python -m config.embedded status` and `python -m config.embedded stop`.
"""

import os
import shutil
from pathlib import Path

from .errors import EmbeddedError
from .folders import LOCAL_DIR
from .postgres import Postgres
from .programs import find_program
from .server import Server
from .users import join, wait_until_kept
from .valkey import Valkey

__all__ = [
    "LOCAL_DIR", "SERVERS", "EmbeddedError", "Postgres", "Server", "Valkey", "client_program", "database_url", "hold",
    "redis_url",
]  # fmt: skip
SERVERS: tuple[type[Server], ...] = (Postgres, Valkey)


def database_url(local: Path = LOCAL_DIR) -> str:
    """Return where the embedded PostgreSQL listens once somebody holds it. Starts nothing."""
    return Postgres(local).url


def client_program(name: str, local: Path = LOCAL_DIR) -> str:
    """Return where a program of PostgreSQL's is, such as pg_dump: beside the embedded server, whose version it has.

    With a DATABASE_URL it is looked for in the PATH: it must not be older than that server. Empty: it is not installed.
    """
    if os.environ.get("DATABASE_URL"):
        return shutil.which(name) or ""
    server = Postgres(local)
    found = find_program(server.package, server.pattern, server.account, server.service).with_name(name)
    return str(found) if found.exists() else ""


def redis_url(local: Path = LOCAL_DIR) -> str:
    """Return where the embedded Valkey listens once somebody holds it. Starts nothing."""
    return Valkey(local).url


def hold(local: Path = LOCAL_DIR, *, postgres: bool | None = None, valkey: bool | None = None) -> None:
    """Start the servers that are not running and keep them until this process ends.

    Left to itself it holds PostgreSQL unless DATABASE_URL is set, and Valkey unless REDIS_URL is.
    Raises EmbeddedError when a server cannot be started.
    """
    needed: list[Server] = []
    if postgres if postgres is not None else not os.environ.get("DATABASE_URL"):
        needed.append(Postgres(local))
    if valkey if valkey is not None else not os.environ.get("REDIS_URL"):
        needed.append(Valkey(local))
    try:
        begun = [(server, join(server)) for server in needed]
        for server, news in begun:
            wait_until_kept(server, news)
    except OSError as error:
        raise EmbeddedError(
            f"{error.filename or local} cannot be written ({error.strerror}). Is the disk full? Free some space, set "
            "LEITMOTIF_LOCAL to a folder on another disk, or set DATABASE_URL and REDIS_URL."
        ) from error
