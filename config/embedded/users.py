"""What a process does that uses a server: it counts as a user for life, and begins a keeper where none is."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

from .errors import EmbeddedError
from .folders import open_log, tail
from .locks import locked, open_lock
from .processes import pid_in
from .server import START_TIMEOUT, Server

# The package by itself, at the end of the path: as `config.embedded` it would bring Celery and Django with it.
KEEPER = "import sys; sys.path.append(sys.argv[1]); from embedded.keeper import main; main(*sys.argv[2:])"
UP = "up"  # what a keeper says when its server answers; anything else is why it does not

_held: dict[Path, int] = {}  # lock file -> descriptor, open as long as this process lives


def join(server: Server) -> BinaryIO | None:
    """Become a user until this process ends, and begin a keeper if there is none. Waits for one that is stopping."""
    if server.users_lock not in _held:
        lock = open_lock(server.users_lock)
        fcntl.flock(lock, fcntl.LOCK_SH)
        _held[server.users_lock] = lock
    return _spawn_keeper(server)


def _spawn_keeper(server: Server) -> BinaryIO | None:
    """Start a keeper if there is none, and return the pipe on which it says how its start went.

    The lock is taken here and passes to it, so two can never start.
    """
    lock = open_lock(server.keeper_lock)
    try:
        if not locked(lock):
            return None
        os.ftruncate(lock, 0)  # the number of the one before
        read, write = os.pipe()
        words = [str(Path(__file__).resolve().parents[1]), server.name, str(server.local), str(lock), str(write)]
        with open(write, "wb"), open_log(server.keeper_log) as log:
            subprocess.run(
                [sys.executable, "-P", "-c", KEEPER, *words], check=False,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                pass_fds=[lock, write],
            )  # fmt: skip
        return open(read, "rb")
    finally:
        os.close(lock)


def wait_until_kept(server: Server, news: BinaryIO | None) -> None:
    """Wait until the server answers and has a keeper; when the keeper that others began goes away, start ours."""
    deadline = time.monotonic() + 2 * START_TIMEOUT
    while time.monotonic() < deadline:
        news = news or _spawn_keeper(server)
        if news is not None:
            return _wait_for_keeper(server, news)
        if server.answers():
            return None
        time.sleep(0.02)
    raise EmbeddedError(
        f"The embedded {server.name} did not answer within {2 * START_TIMEOUT:.0f} s, although the process that "
        f"looks after it ({pid_in(server.keeper_lock)}) is running. Run `python -m config.embedded stop` and try "
        f"again.\nThe end of its log {server.log}:\n{tail(server.log)}"
    )


def _wait_for_keeper(server: Server, news: BinaryIO) -> None:
    """Wait until the keeper that we began says that its server is up; raise EmbeddedError with what else it says."""
    with news:
        said = news.read().decode()
    if said != UP:
        raise EmbeddedError(
            said
            or f"The process that starts the embedded {server.name} was killed before it was ready. Try again.\nThe "
            f"end of its log {server.keeper_log}:\n{tail(server.keeper_log)}"
        )
