"""Where things are: the folder of the data, the short one of the sockets, and the logs."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[2]
LOCAL_DIR = Path(os.environ.get("LEITMOTIF_LOCAL") or ROOT / ".local").resolve()
LOG_LIMIT = 5_000_000  # bytes, after which a new log is begun; the one before is kept as .old


def sockets_folder(local: Path) -> Path:
    """Return a folder with a short name: a socket's whole path may have 103 characters. TMPDIR is often too long."""
    key = hashlib.sha256(f"{local}:{os.geteuid()}".encode()).hexdigest()[:10]
    return Path("/tmp") / f"leitmotif-{key}"


def make_open(folder: Path) -> None:
    """Make a folder of ours that the servers' account can go through."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            folder.chmod(0o755)


def open_log(log: Path) -> BinaryIO:
    """Open a log that only its owner can read, at its end; a long one is put aside first."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.old"))
    number = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fchmod(number, 0o600)  # one of an earlier version was open to others
    return os.fdopen(number, "ab")


def tail(log: Path, lines: int = 15) -> str:
    """Return the log's last lines."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(nothing was logged)"
