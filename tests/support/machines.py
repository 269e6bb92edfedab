"""A worker in a folder of its own, as on another host or of another version of the code."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.management.child_process import ending_with_parent
from tests.support.waiting import until
from tests.support.workers import end_politely


@dataclass
class Machine:
    """A folder with a copy of the project, as on another host, and a worker in it."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def work(self, queues: str) -> None:
        """Start a worker that consumes these queues, and return when it does."""
        log = self.folder / "worker.log"
        command = [
            sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel=INFO", "--concurrency=1",
            f"--queues={queues}", f"--hostname={self.folder.name}-{time.monotonic_ns()}@%h",
        ]  # fmt: skip
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                ending_with_parent(command, signal.SIGKILL), cwd=self.folder, env=self.environment, stdout=file,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        until(lambda: " ready." in log.read_text(errors="replace"), seconds=240)

    def fall(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(20)

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text(errors="replace")

    def rest(self) -> None:
        """Let it finish what it does, then end."""
        if self.process is not None and self.process.poll() is None:
            end_politely(self.process)
