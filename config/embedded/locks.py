"""Lock files, by which the processes of one machine know of each other. The system lets go when their holder dies."""

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from .errors import EmbeddedError
from .folders import make_open
from .processes import pid_in


def open_lock(path: Path) -> int:
    """Open a lock file for us only; Python marks it so that no program we run inherits it."""
    try:
        make_open(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be written ({error.strerror}). If another user created the folder, run as that user or "
            "remove the folder; otherwise set LEITMOTIF_LOCAL to another folder, or set DATABASE_URL and REDIS_URL."
        ) from error


def locked(lock: int) -> bool:
    """Take the lock for us alone if nobody has it; return whether we got it."""
    try:
        # flock belongs to the open file and not to the process: so it can be handed to the keeper that is spawned
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_pid(lock: int) -> None:
    """Say in the lock file who holds it."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


def take_from(holder: Path) -> int:
    """Take a lock for us alone by ending (SIGTERM) the process that the file names. Close it to let go."""
    lock = open_lock(holder)
    while not locked(lock):
        if pid := pid_in(holder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        time.sleep(0.05)
    return lock


def is_still(lock: int, path: Path) -> bool:
    """Return whether the lock is still the one that others see: `.local/` may have been removed under us."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except OSError:
        return False
