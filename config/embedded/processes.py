"""The living processes, and waiting for what they do."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process as anybody may see it: whose it is, and what it calls itself."""

    pid: int
    uid: int
    title: str

    @property
    def program(self) -> str:
        """The first word of the title without folders: `postgres` of `/usr/bin/postgres -D ...`."""
        return self.title.split(" ")[0].rsplit("/", 1)[-1].rstrip(":")


def living_processes() -> Iterator[Process]:
    """Yield the living processes. A zombie has no title and is left out."""
    if Path("/proc/self/cmdline").exists():
        for name in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError):
                title = Path("/proc", name, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield Process(int(name), os.stat(f"/proc/{name}").st_uid, title)
        return
    listed = subprocess.run(["ps", "-axo", "pid=,uid=,command="], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        pid, uid, title = line.split(maxsplit=2)
        yield Process(int(pid), int(uid), title)


def pid_in(path: Path) -> int | None:
    """Return the number that the file begins with."""
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def wait(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Wait until the condition is true and return True, or False after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
