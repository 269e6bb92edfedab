"""The real web server, as the Procfile starts it, on this test process's database and queue."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from pipeline.management.child_process import ending_with_parent
from tests.support.workers import ROOT, end_politely

START_TIMEOUT = 240.0


class WebServer:
    """Two processes of eight threads each, at `url` until `stop`."""

    def __init__(self, **environment: str) -> None:
        port = free_port()
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        command = [
            sys.executable, "-m", "gunicorn", "--config=config/gunicorn.py", f"--bind=127.0.0.1:{port}",
            "--log-level=error",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            ending_with_parent(command, signal.SIGTERM),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONWARNINGS": "default", **environment},
        )
        self._wait_until_ready()

    def stop(self) -> None:
        end_politely(self.process)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            try:  # the socket is open before a process is there to answer
                urllib.request.urlopen(f"{self.url}/api/nothing", timeout=START_TIMEOUT).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("gunicorn did not come up; its log is above")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
