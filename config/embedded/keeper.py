"""The keeper: a process that keeps one server up while it has users, then stops it."""

import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from . import SERVERS
from .errors import EmbeddedError
from .locks import is_still, locked, open_lock, write_pid
from .server import Server
from .users import UP

LOOK_EVERY = 0.1  # seconds between two looks at the users and the server


def main(name: str, local: str, lock: str, news: str) -> None:
    """Split off from whoever spawned us, who can go on as soon as the keeper tells it the news."""
    if os.fork() == 0:
        kind = next(each for each in SERVERS if each.name == name)
        keep(kind(Path(local)), int(lock), int(news))


def keep(server: Server, lock: int, news: int) -> None:
    """Keep the server up while it has users, then stop it. The locks go when this process does."""
    signal.signal(signal.SIGTERM, _leave)
    users = open_lock(server.users_lock)
    try:
        _start(server, lock, news)
        while not locked(users) and is_still(lock, server.keeper_lock):
            _revive(server)
            time.sleep(LOOK_EVERY)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _stop(server, lock)


def _start(server: Server, lock: int, news: int) -> None:
    try:
        write_pid(lock)
        server.start()
    except (EmbeddedError, OSError) as error:
        _tell(news, _sentence(server, error))
        _say(server, f"could not be started\n{error}")
        raise SystemExit(1) from error
    _say(server, f"up, process {server.pid}")
    _tell(news, UP)


def _sentence(server: Server, error: EmbeddedError | OSError) -> str:
    if isinstance(error, EmbeddedError):
        return str(error)
    where = f" ({error.filename})" if error.filename else ""
    return f"The embedded {server.name} could not be started: {error.strerror}{where}. {server.remedy}"


def _tell(news: int, what: str) -> None:
    """Tell whoever spawned us; it may have died, but others may wait for the server."""
    with suppress(BrokenPipeError):
        os.write(news, what.encode())
    os.close(news)


def _revive(server: Server) -> None:
    """Start the server again if it died. While that fails it is tried once a second: a full disk may be emptied."""
    if server.is_up():
        return
    _say(server, "ended unexpectedly; restarting it")
    try:
        server.start()
    except (EmbeddedError, OSError) as error:
        _say(server, str(error))
        time.sleep(1.0)


def _stop(server: Server, lock: int) -> None:
    """Stop the server. If `.local/` was removed under us another keeper may work there: leave its server alone."""
    if is_still(lock, server.keeper_lock):
        server.stop()
    else:
        server.kill_own()
    _say(server, "stopped")


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _say(server: Server, what: str) -> None:
    with suppress(OSError):  # on a full disk too the server is to be kept up, and people told of it
        print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} keeper {os.getpid()}: {server.name} {what}", flush=True)
