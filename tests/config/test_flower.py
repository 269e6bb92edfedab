"""Flower, as the Procfile starts it: nobody sees a page without the login, which is made if nobody chose one.

Its pages show the arguments of tasks and their results, and can stop workers.
"""

import base64
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from config.kept import flower_login
from pipeline.management.child_process import ending_with_parent
from tests.sessions.web import free_port
from tests.support.waiting import until
from tests.support.workers import ROOT, end_politely


@contextmanager
def flower(**environment: str) -> Iterator[str]:
    """Run Flower on the queue of the tests and give its address; it answers, whatever it answers."""
    port = free_port()
    command = [sys.executable, "-m", "celery", "-A", "config", "flower", "--address=127.0.0.1", f"--port={port}"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
    process = subprocess.Popen(
        ending_with_parent(command, signal.SIGTERM), cwd=ROOT, start_new_session=True,
        env={**kept, "LOG_LEVEL": "ERROR", **environment},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}/workers"
    try:
        until(lambda: process.poll() is not None or status(url) is not None)
        assert process.poll() is None, "Flower ended; what it said is above"
        yield url
    finally:
        end_politely(process)


def status(url: str, login: str = "") -> int | None:
    """Return the status of a page asked for with a login `user:password`; None if nobody listens."""
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"} if login else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code
    except OSError:
        return None


@pytest.mark.proof
def test_without_a_login_of_their_own_nobody_gets_in_but_with_the_one_that_is_kept() -> None:
    with flower() as url:
        assert status(url) == 401
        assert status(url, "flower:flower") == 401
        assert status(url, flower_login()) == 200


@pytest.mark.proof
def test_a_login_that_was_chosen_takes_its_place() -> None:
    with flower(FLOWER_BASIC_AUTH="alice:chosen") as url:
        assert status(url) == 401
        assert status(url, flower_login()) == 401
        assert status(url, "alice:chosen") == 200
