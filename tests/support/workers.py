"""Real Celery worker processes for tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import connection

from pipeline.management.child_process import ending_with_parent

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 240.0


def end_politely(process: subprocess.Popen[bytes]) -> None:
    """Let the process finish what it does, then end; after a minute its whole group is killed."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(120)


class Worker:
    """One `celery worker` in a process group of its own, on this test process's database and Redis prefix."""

    running: ClassVar[list["Worker"]] = []
    is_shared = False

    @classmethod
    def shared(cls) -> "Worker":
        """Return the worker that harmless tests share, started when there is none."""
        for worker in cls.running:
            if worker.is_shared:
                return worker
        worker = cls(concurrency=2)
        worker.is_shared = True
        worker.wait_until_ready()
        return worker

    def __init__(
        self,
        *,
        concurrency: int = 2,
        pool: str = "prefork",
        queues: str = "default,extract,merge,background",
        **environment: str,
    ) -> None:
        self.log = settings.LOCAL_DIR / f"test-worker-{os.getpid()}-{len(self.running)}-{time.monotonic_ns()}.log"
        command = [
            sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel=INFO", f"--concurrency={concurrency}",
            f"--pool={pool}", f"--queues={queues}", "--without-gossip", "--without-mingle",
            f"--hostname=test-{os.getpid()}-{time.monotonic_ns()}@%h",
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ending_with_parent(command, signal.SIGKILL),  # else a killed test run would leave it behind
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "tests.settings",
                    "TEST_DATABASE": str(connection.settings_dict["NAME"]),
                    "PYTHONWARNINGS": "default",
                    **environment,
                },
            )
        self.running.append(self)

    def wait_until_ready(self) -> None:
        """Return once the worker consumes; RuntimeError with its log if it does not come up."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if " ready." in self.output():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the worker did not come up:\n{self.output()[-3000:]}")

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self) -> list[int]:
        """The process ids of its pool."""
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def kill(self) -> None:
        """End the whole process group at once, as a power cut would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self._reap()

    def stop(self) -> None:
        """Let it finish what it does, then end."""
        end_politely(self.process)
        self._reap()

    def _reap(self) -> None:
        self.process.wait(120)
        if self in self.running:
            self.running.remove(self)
        self.log.unlink(missing_ok=True)

    @classmethod
    def end_all(cls) -> None:
        """End every worker of this test process at once."""
        for worker in list(cls.running):
            worker.kill()
