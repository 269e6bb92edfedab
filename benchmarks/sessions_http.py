"""What posting a message over HTTP costs beside a bare Django view on the same server.

    python -m benchmarks.sessions_http [CALLS] [ROUNDS]

The server is gunicorn with one process, as bin/up runs it, on a database of its own; its queue is real, and nobody
consumes. The bare view (benchmarks/bare_view.py) does the same inserts and nothing else. Rounds alternate, so that a
machine that is busy at times slows both.
"""

import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

from benchmarks.database import own_database

BAR = 3.0
USERS = 50
PATHS = {"a bare Django view": "/bare/messages", "post message": "/api/messages"}


@contextmanager
def server() -> Iterator[int]:
    """Run it, and yield its port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config=config/gunicorn.py", f"--bind=127.0.0.1:{port}",
               "--workers=1", "--log-level=error"]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.bare_view_settings"})
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
    raise SystemExit("gunicorn did not come up")


def post(port: int, path: str, token: str, number: int) -> float:
    """Send a new message and return the seconds until its answer was read."""
    message = {"user_id": f"user {number % USERS}", "key": f"{path} {number}", "text": "hello"}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, json.dumps(message), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 202:
        raise SystemExit(f"{path} answered {answer.status}")
    return time.perf_counter() - began


def compare(port: int, token: str, calls: int, rounds: int) -> float:
    """Print what each takes; return how many times the bare view's median the API's is."""
    numbers, taken = itertools.count(), {name: list[float]() for name in PATHS}
    for _ in range(rounds):
        for name, path in PATHS.items():
            taken[name] += [post(port, path, token, next(numbers)) for _ in range(calls)]
    bare = statistics.median(taken["a bare Django view"])
    for name, seconds in taken.items():
        median, high = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        print(f"{name:20} median {median * 1e3:5.2f} ms, 95 % {high * 1e3:5.2f} ms, {median / bare:4.2f} x bare")
    return statistics.median(taken["post message"]) / bare


def main(calls: int = 100, rounds: int = 20) -> None:
    with own_database():
        from django.utils import timezone

        from config.celery import app
        from pipeline.access import make_token

        _, token = make_token(name="benchmark", at=timezone.now())
        with server() as port:
            for number, path in itertools.product(range(20), PATHS.values()):  # to warm up
                post(port, path, token, -1 - number)
            print(f"{calls * rounds:,} messages each, {USERS} users, one after the other")
            ratio = compare(port, token, calls, rounds)
        app.control.purge()
    print(f"post message takes {ratio:.2f} x the bare view; the bar is {BAR}: {'met' if ratio <= BAR else 'NOT met'}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
