"""Folders for tests that write much: in memory where there is room, for a busy disk makes them several times slower."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
NEEDED = 1_000_000_000  # bytes


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a folder that every account can reach, and remove it."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED
    with tempfile.TemporaryDirectory(prefix=prefix, dir=MEMORY if roomy else None) as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        yield folder
