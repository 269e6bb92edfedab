"""Whom the servers run as, and which folders are that account's."""

import os
import pwd
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .errors import EmbeddedError
from .processes import wait


@dataclass(frozen=True)
class Account:
    """Whom the servers run as: ourselves, or as root (which PostgreSQL refuses) a system account."""

    uid: int
    gid: int

    @classmethod
    def for_servers(cls) -> Self:
        """Return our own account, or as root that of `postgres`, or else `nobody`."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise EmbeddedError(
            "PostgreSQL refuses to run as root, and this machine has no account `postgres` or `nobody` to run it "
            "as. Run this as an ordinary user, or set DATABASE_URL and REDIS_URL."
        )

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def can_reach(self, path: Path) -> bool:
        """Return whether this account may go through every folder above the path and read what is there."""
        inside = self._permits(path, read=True) if path.exists() else True
        return self.is_ours or (inside and all(self._permits(parent) for parent in path.parents if parent.exists()))

    def _permits(self, path: Path, *, read: bool = False) -> bool:
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        wanted = 0o5 if read else 0o1
        return (found.st_mode >> shift) & wanted == wanted

    def switch(self) -> dict[str, Any]:
        """Return what subprocess needs to run a command as this account."""
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make_private(self, folder: Path) -> None:
        """Make the folder, closed to everybody but this account; refuse one that somebody else made."""
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if not self.is_ours:
                os.chown(folder, self.uid, self.gid)
        if not wait(lambda: self.owns(folder), 1.0):  # the other server's keeper may be just making it
            raise EmbeddedError(
                f"{folder} exists, but is not a private folder of the account that runs the servers (uid "
                f"{self.uid}). Find out who created it, remove it, and try again."
            )

    def owns(self, folder: Path) -> bool:
        """Return whether this is a real folder of this account that nobody else can enter."""
        try:
            found = folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == self.uid and found.st_mode & 0o077 == 0
