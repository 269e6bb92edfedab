"""Redis goes away for good while a command waits for its run: the command says so and ends, and the run does not."""

import subprocess
import sys

from django.conf import settings

from config import embedded
from pipeline.models import Run
from tests.config.folders import temporary_folder
from tests.pipeline.sources.test_import_command import environment
from tests.support.seeding import scripts, seed, start

WAIT = """
import django; django.setup()
from rich.console import Console
from pipeline import tasks
from pipeline.ledger import errors
from pipeline.management import following
from pipeline.models import Run

following.SERVERS_PATIENCE = 2
run = Run.objects.get()
tasks.dispatch(run=run)
Run.objects.update(dispatched_at="2026-01-01T00:00Z")  # so that it has to be sent out again
print("dispatched", flush=True)
input()
try:
    following.follow(run.pk, Console())
except errors.RunError as error:
    print("RunError:", error)
"""


def test_a_waiting_command_gives_up_with_a_sentence(transactional_db: None) -> None:
    run = start(seed(scripts(1, 3)))
    with temporary_folder("away-") as folder:
        with embedded.Valkey(folder / "local") as server:
            command = waiting_on(server)
            assert command.stdout is not None
            assert command.stdout.readline() == "dispatched\n"
        try:
            shown, errors = command.communicate("\n", timeout=120)
        finally:
            command.kill()
    assert shown.count("PostgreSQL or Redis is not answering; waiting.") == 1
    assert "RunError: PostgreSQL or Redis did not answer for 2 s" in shown
    assert f"./manage.py run_status {run.pk}" in shown
    assert "Traceback" not in errors
    assert Run.objects.get().state == "running"


def waiting_on(server: embedded.Valkey) -> "subprocess.Popen[str]":
    """Start a command that dispatches the run over this server and then, when it is told to, waits for the run."""
    return subprocess.Popen(
        [sys.executable, "-c", WAIT],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=settings.BASE_DIR,
        env={**environment(), "REDIS_URL": server.url},
    )  # fmt: skip
