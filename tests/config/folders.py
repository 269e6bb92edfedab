"""Folders for tests that write much: in memory where there is room, for a busy disk makes them several times slower."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded.folders import sockets_folder

MEMORY = Path("/dev/shm")
NEEDED = 1_000_000_000  # bytes


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a folder that every account can reach, and remove it, and the sockets of servers in it or its `local`."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED
    with tempfile.TemporaryDirectory(prefix=prefix, dir=MEMORY if roomy else None) as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder
    for local in (folder, folder / "local"):  # a server that stops by itself leaves the folder of its sockets
        shutil.rmtree(sockets_folder(local), ignore_errors=True)
