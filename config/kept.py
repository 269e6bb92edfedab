"""Secrets that one machine makes for itself once and keeps under .local/, readable by their owner only."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from config.embedded import LOCAL_DIR


def kept_secret(name: str, make: Callable[[], str], folder: Path = LOCAL_DIR) -> str:
    """Return what the file holds; the first call makes it. Of several first calls at once all return the same.

    Raises OSError where the folder cannot be written.
    """
    path = folder / name
    with suppress(FileNotFoundError):
        return path.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{name}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        with suppress(FileExistsError):
            os.link(unfinished, path)  # whole or not at all, and never over another's
    finally:
        unfinished.unlink(missing_ok=True)
    return path.read_text()


def flower_login() -> str:
    """Return Flower's login as user:password."""
    return kept_secret("flower_login", lambda: f"flower:{secrets.token_urlsafe(18)}")
