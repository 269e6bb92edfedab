"""The services of compose.yaml as plain processes, on this test process's database and queue."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from django.db import connection

from pipeline.management.child_process import ending_with_parent

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def command_of(service: str) -> list[str]:
    """Return what the container of a service runs, with the defaults of its variables."""
    command = SERVICES[service].get("command") or json.loads(
        re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1]
    )
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", part) for part in command]


def running(service: str, **environment: str) -> "subprocess.Popen[bytes]":
    """Start a service in a process group of its own, and do not wait for it."""
    program, *arguments = command_of(service)
    return subprocess.Popen(
        ending_with_parent([str(Path(sys.executable).with_name(program)), *arguments], signal.SIGKILL),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            **environment,
        },
    )
